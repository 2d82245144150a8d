// What yaml-cpp's parser tells, written down as JSON; for yaml.cc alone.
//
// The text may be read in several runs of the parser, each by a parser of its
// own: Restart() goes on where the one before was left. yaml-cpp keeps a little
// of all that it has seen, so that one run over a long text takes much memory.
#ifndef EPSLICE_APIS_YAML_BUILDER_H_
#define EPSLICE_APIS_YAML_BUILDER_H_

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <cstddef>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "apis/yaml.h"
#include "apis/yaml_scalar.h"

namespace epslice {

// Carries an error of ours through yaml-cpp's parser, which knows no other way.
class YamlRefused : public std::runtime_error {
 public:
  YamlRefused(int line, const std::string& what) : std::runtime_error(what), line_(line) {}
  int line() const { return line_; }  // from 1

 private:
  int line_;
};

// Where another run can go on: with a document, or with an item of a block
// sequence that is the value of "items" in a document's map.
struct YamlBreak {
  int line = 0;  // from 0, where it begins
  bool is_item = false;
  int column = 0;  // of the sequence's dashes; of a document 0
};

// Not thread-safe. An exception leaves the parser, and this as it was before
// the event.
class YamlBuilder : public YAML::EventHandler {
 public:
  // Asked at each break that nothing speaks against here; true leaves the run.
  using MayLeave = std::function<bool(const YamlBreak& at)>;
  struct Left {
    YamlBreak at;
  };

  // Appends to `out`, which is not owned, nor are the limits. Throws YamlRefused,
  // and Left where `may_leave` (null: never) says so.
  YamlBuilder(const YamlLimits& limits, std::string* out, MayLeave may_leave);

  // The next run's parser is told of a text that begins at that break; before an
  // item it first sees kYamlItems.
  void Restart(const YamlBreak& at);
  // The line in the text, from 0, of a mark in this run.
  int LineOf(const YAML::Mark& mark) const { return mark.line + base_; }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override;
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { Close(']'); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { Close('}'); }

 private:
  struct Level {
    bool map = false;
    bool at_key = false;  // the next scalar is a key
    bool first = true;
    std::size_t begin = 0;   // where it starts in the output
    std::size_t height = 1;  // levels of nesting, with itself
    YAML::anchor_t anchor = 0;
    std::map<std::string, int> keys;  // and the lines they are on
  };
  struct Anchored {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t height = 0;
  };

  [[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& what) const;
  [[noreturn]] void RefuseDepth(const YAML::Mark& mark) const;
  std::string Quoted(std::string_view text) const;
  bool AtKey() const { return !levels_.empty() && levels_.back().map && levels_.back().at_key; }
  bool Skip();
  void Offer(const YamlBreak& at) const;
  void GoToLine(int line);
  // Before a value, or a key.
  void Begin(const YAML::Mark& mark);
  // After a value, which began at `start` (looked at only with an anchor).
  void End(YAML::anchor_t anchor, std::size_t start, std::size_t height = 0);
  void NoteHeight(std::size_t height);
  void Key(const YAML::Mark& mark, const std::string& tag, const YamlScalar& scalar);
  YamlScalar Resolve(const YAML::Mark& mark, const std::string& tag, const std::string& value) const;
  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, std::string_view type, char bracket);
  void Close(char bracket);

  const YamlLimits& limits_;
  std::string& out_;
  const MayLeave may_leave_;
  int base_ = 0;      // the line in the text of the run's line 0
  int skip_ = 0;      // events of what was put before the text of this run
  int line_ = 0;      // in the output
  bool any_ = false;  // there was a value
  std::size_t documents_ = 0;
  std::size_t alias_bytes_ = 0;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  // Of this document: whether its map is in block style at column 0, the last
  // key in it, and of the sequence at "items" the dashes' column (-1: not in one).
  bool plain_map_ = false;
  bool at_items_ = false;
  int items_column_ = -1;
  // Anchors' values must be at hand until the document ends.
  bool anchored_ = false;
};

// Stands before a run's text that begins with an item.
inline constexpr std::string_view kYamlItems = "items:\n";

}  // namespace epslice

#endif  // EPSLICE_APIS_YAML_BUILDER_H_
