// The rules of the house that a compiler does not know, checked as text: who
// may include whom, what may not be called where, and how long a file may be.
//
// Everything here works on strings, so that the rules are themselves tested on
// small bad files; only ReadTree() touches the disk. What a rule forbids and
// where it makes an exception is in the tables at the top of rules.cc.
#ifndef EPSLICE_TEST_TIDY_TIDY_H_
#define EPSLICE_TEST_TIDY_TIDY_H_

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace epslice::tidy {

struct SourceFile {
  std::string path;  // from the root of the tree, with '/'
  std::string text;
};

// One breach of one rule.
struct Finding {
  std::string path;
  int line = 0;  // from 1
  std::string rule;
  std::string message;
  friend bool operator==(const Finding&, const Finding&) = default;
};

// "path:line: [rule] message", which editors can jump to.
std::string ToString(const Finding& finding);

// `code` with every comment, string and character literal blanked. Length and
// line breaks stay, so that offsets and line numbers hold for both.
std::string StripCommentsAndLiterals(std::string_view code);

struct Include {
  int line = 0;
  bool angled = false;
  std::string path;
};
// The #include directives outside comments, in order.
std::vector<Include> IncludesOf(std::string_view code);

// Of a name or a number.
inline bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// All rules on one file. Code (.h, .cc) gets all of them, other text those
// about text only.
std::vector<Finding> Check(const SourceFile& file);

// The files under `root` that the rules apply to, by path: no build output, no
// version control, no recorded data. Files that cannot be read are left out.
std::vector<SourceFile> ReadTree(const std::string& root);

}  // namespace epslice::tidy

#endif  // EPSLICE_TEST_TIDY_TIDY_H_
