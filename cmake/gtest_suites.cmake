# Run after a test program was built (epslice_suites of test/CMakeLists.txt):
# writes to OUT a ctest entry for each of its suites, with PROPERTIES.
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY TIMEOUT 60)
# Suites are at the start of a line, their tests below them and indented.
string(REGEX MATCHALL "\n[A-Za-z0-9_/]+\\.[ \n]" suites "\n${listed}")
if(NOT suites)
  message(FATAL_ERROR "${PROGRAM} lists no tests:\n${listed}")
endif()
set(entries)
foreach(suite ${suites})
  string(REGEX MATCH "[A-Za-z0-9_/]+" suite ${suite})
  string(APPEND entries "add_test(${suite} [==[${PROGRAM}]==] \"--gtest_filter=${suite}.*\")\n"
                        "set_tests_properties(${suite} PROPERTIES ${PROPERTIES})\n")
endforeach()
file(WRITE ${OUT} "${entries}")
