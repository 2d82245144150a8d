# Makes a .cc file that holds another file: a function of the given name in
# epslice::sim::assets returns its bytes.
#   cmake -DINPUT=FILE -DNAME=Function -DOUTPUT=FILE.cc -P embed.cmake
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
file(WRITE ${OUTPUT}
     "#include <string_view>\n\n"
     "#include \"sim/report/assets.h\"\n\n"
     "namespace epslice::sim::assets {\nnamespace {\n\n"
     "const char kBytesOf${NAME}[] = {\n${bytes}};\n\n"
     "}  // namespace\n\n"
     "std::string_view ${NAME}() { return {kBytesOf${NAME}, sizeof(kBytesOf${NAME})}; }\n\n"
     "}  // namespace epslice::sim::assets\n")
