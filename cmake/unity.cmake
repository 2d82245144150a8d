# Which sources are compiled as one (EPSLICE_UNITY): those of one folder, at most
# twenty together. So a new file moves the borders within its folder only, and
# names in unnamed namespaces have to differ within a folder, not in the tree.
# More together read their headers and make their templates fewer times, but two
# cores would end further apart.
function(epslice_unity target)
  if(NOT EPSLICE_UNITY OR NOT TARGET ${target})
    return()
  endif()
  set(together 20)
  get_target_property(sources ${target} SOURCES)
  get_target_property(base ${target} SOURCE_DIR)
  set(folders)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${base} NORMALIZE)
    cmake_path(GET source PARENT_PATH folder)
    # The same in each clone: ccache knows a file by its name, too.
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(MAKE_C_IDENTIFIER ${folder} key)
    list(APPEND folders ${key})
    list(APPEND of_${key} ${source})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(key ${folders})
    list(LENGTH of_${key} count)
    # Evenly: 21 files are 11 and 10, not 20 and 1.
    math(EXPR groups "(${count} + ${together} - 1) / ${together}")
    set(i 0)
    foreach(source ${of_${key}})
      math(EXPR group "${i} * ${groups} / ${count}")
      set_source_files_properties(${source} DIRECTORY ${base} PROPERTIES UNITY_GROUP ${target}_${key}_${group})
      math(EXPR i "${i} + 1")
    endforeach()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
