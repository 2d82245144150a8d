# Installs the build in BUILD_DIR to a prefix of its own, and builds and runs the
# outside project in CONSUMER_DIR against it.
cmake_minimum_required(VERSION 3.25)
set(prefix ${BUILD_DIR}/consumer/prefix)
set(build ${BUILD_DIR}/consumer/build)
file(REMOVE_RECURSE ${BUILD_DIR}/consumer)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})
# pkg-config looks there too (PKG_CONFIG_USE_CMAKE_PREFIX_PATH).
run(${CMAKE_COMMAND} -S ${CONSUMER_DIR} -B ${build} -G Ninja -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0)  # the library is optimized, its user runs once
run(${CMAKE_COMMAND} --build ${build})
run(${build}/consumer)
run(${build}/consumer_pkg_config)
run(${build}/end_to_end ${prefix}/bin/endpointslice-sim ${build}/external_endpoints ${build}/one_of_several
    ${CONSUMER_DIR}/external_endpoints/cluster.yaml ${BUILD_DIR}/consumer/run)

# What docs/library.md shows of a program is what was built here.
file(READ ${CONSUMER_DIR}/../../docs/library.md page)
file(READ ${CONSUMER_DIR}/one_of_several/main.cc program)
string(FIND "${page}" "```cpp\n" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "docs/library.md shows no code")
endif()
string(SUBSTRING "${page}" ${begin} -1 page)
string(SUBSTRING "${page}" 7 -1 page)
string(FIND "${page}" "```" end)
string(SUBSTRING "${page}" 0 ${end} shown)
string(FIND "${program}" "${shown}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "docs/library.md shows other code than one_of_several/main.cc has:\n${shown}")
endif()
