# cmake -DFILES=a.yaml,b.yaml -DOUT=x.cc -DHEADER=h -DFUNCTION=F -P embed_files.cmake
# A .cc that defines FUNCTION, declared in HEADER: the name of each file, without
# its ending, and its text, in the order of FILES.
string(REPLACE "," ";" files "${FILES}")
set(entries "")
foreach(file ${files})
  file(READ "${file}" text)
  get_filename_component(name "${file}" NAME_WE)
  string(APPEND entries "      {\"${name}\", R\"embedded(${text})embedded\"},\n")
endforeach()
set(code "// Made from the files it holds; edit those.\n#include \"${HEADER}\"\n\nnamespace epslice::sim {\n\n")
string(APPEND code "const std::vector<EmbeddedFile>& ${FUNCTION}() {\n  static const std::vector<EmbeddedFile> kFiles = {\n")
string(APPEND code "${entries}  };\n  return kFiles;\n}\n\n}  // namespace epslice::sim\n")
file(WRITE "${OUT}" "${code}")
