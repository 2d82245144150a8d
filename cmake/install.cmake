# What `cmake --install` copies: the programs (installed where they are defined),
# the libraries with their headers, and what finds them: a CMake package and a
# file for pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(epslice_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/epslice)
foreach(library apis informers informers_http controllers sim)
  if(TARGET epslice_${library})
    set_target_properties(epslice_${library} PROPERTIES EXPORT_NAME ${library})
    list(APPEND epslice_libraries epslice_${library})
  endif()
endforeach()
install(TARGETS epslice_build ${epslice_libraries} EXPORT epslice-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/epslice COMPONENT dev)
install(EXPORT epslice-targets NAMESPACE epslice:: DESTINATION ${epslice_package_dir} COMPONENT dev)

# Headers keep their place in the tree: an includer writes "apis/meta.h" here as there.
foreach(folder apis informers controllers/endpointslice controllers/topologyhints sim/engine sim/cluster sim/dataplane
               sim/trace sim/report)
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/epslice/${folder} COMPONENT dev
          FILES_MATCHING PATTERN "*.h")
endforeach()

configure_package_config_file(cmake/epslice-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/epslice-config.cmake
                              INSTALL_DESTINATION ${epslice_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/epslice-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/epslice-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/epslice-config-version.cmake
        DESTINATION ${epslice_package_dir} COMPONENT dev)
configure_file(cmake/epslice.pc.in ${CMAKE_CURRENT_BINARY_DIR}/epslice.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/epslice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
