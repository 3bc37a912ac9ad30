#include "specs/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "specs/source_text.hpp"
#include "specs/wording.hpp"

namespace cofferdam::specs {
namespace {

/// Ends the reading of a document: a bound is reached, or a second root began. Never leaves this file.
struct Stop {};

constexpr std::size_t longest_path = 200;

struct Frame {
  YamlNode node;
  bool flow = false;
  bool has_key = false;  ///< a mapping: the next value belongs to `key`
  bool drop = false;     ///< the key is a duplicate or no text: its value is read and left out
  std::string key;
  YamlMark key_mark;
  std::map<std::string, int, std::less<>> seen;  ///< the mapping's keys and their lines
};

std::string tag_of(std::string_view source) {
  return std::string(source.substr(0, source.find_first_of(" \t\r\n,[]{}")));
}

/// Builds the tree from the reader's events; remembers enough to explain an error in the middle of it.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const SourceText& source, const std::string& file, const Segment& segment, const YamlBounds& bounds, Problems& problems)
      : source_(source), file_(file), first_line_(segment.first_line), bounds_(bounds), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const YamlMark at = begin(mark, anchor, {});
    YamlNode node;
    node.mark = at;
    const std::string_view rest = source_.from(at);
    for (const std::string_view written : {"~", "null", "Null", "NULL"}) {
      if (rest.substr(0, written.size()) != written) continue;
      const std::string_view behind = rest.substr(written.size(), 1);  // "null:" would be the key that follows
      if (behind.empty() || std::string_view(" \t\r\n,]}").find(behind.front()) != std::string_view::npos) node.text = written;
    }
    const bool value_unwritten = node.text.empty() && !stack_.empty();
    if (value_unwritten) node.mark = stack_.back().has_key ? stack_.back().key_mark : stack_.back().node.mark;
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    count();
    last_ = mark_of(mark);
    refuse(last_, "is an alias ('*…')", "write the value out");
    YamlNode node;
    node.refused = true;
    node.mark = last_;
    add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.mark = begin(mark, anchor, tag);
    node.text = value;
    const char first = source_.at(node.mark);
    if (first == '"' || first == '\'') {
      node.style = YamlNode::Style::quoted;
      if (quoted_length(source_.from(node.mark)) == 0) {
        refuse(node.mark, "is a quote that is never closed", "close it with the same quote");
        node.refused = true;
      }
    } else if (first == '|' || first == '>') {
      node.style = YamlNode::Style::block;
    }
    if (value.find('\0') != std::string::npos) {
      refuse(node.mark, "has a NUL in it (\"\\0\")", "remove it; no text here may hold one");
      node.refused = true;
    }
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(YamlNode::Kind::sequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(YamlNode::Kind::mapping, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  /// The root as far as it was read: closes what is still open.
  YamlNode take() {
    closing_ = true;
    while (!stack_.empty()) close();
    return std::move(root_);
  }

  [[nodiscard]] YamlMark mark_of(const YAML::Mark& mark) const {
    return {std::max(mark.line, 0) + first_line_, std::max(mark.column, 0) + 1};
  }
  [[nodiscard]] YamlMark last() const { return last_; }  ///< of the latest event
  /// Where the innermost bracket that is still open stands.
  [[nodiscard]] std::optional<YamlMark> open_bracket() const {
    const auto frame = std::find_if(stack_.rbegin(), stack_.rend(), [](const Frame& f) { return f.flow; });
    if (frame == stack_.rend()) return {};
    return frame->node.mark;
  }
  [[nodiscard]] bool in_flow() const { return !stack_.empty() && stack_.back().flow; }

  [[nodiscard]] std::string path() const {
    std::string text;
    for (const Frame& frame : stack_) {
      if (frame.node.is_mapping()) {
        if (frame.has_key) text = join_path(text, frame.key);
      } else {
        text = join_path(text, frame.node.items.size());
      }
      if (text.size() > longest_path) return text + "…";
    }
    return text;
  }

  /// Something is wrong with the value or key at hand.
  void refuse(YamlMark at, std::string what, std::string mend) {
    if (!closing_) problems_.push_back({{file_, at.line, at.column}, path(), std::move(what), std::move(mend), ""});
  }
  /// Something is wrong with the YAML itself: there may be no telling which field it was to be.
  void refuse_form(YamlMark at, std::string what, std::string mend) {
    problems_.push_back({{file_, at.line, at.column}, "", std::move(what), std::move(mend), ""});
  }

 private:
  void count() {
    if (++nodes_ <= bounds_.nodes) return;
    problems_.push_back({{file_, last_.line, last_.column},
                         "",
                         "the document has more than " + std::to_string(bounds_.nodes) + " nodes",
                         "split it into several documents",
                         ""});
    throw Stop{};
  }

  /// What every node begins with: counted, without anchor and tag, its line not indented by a tab.
  YamlMark begin(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    last_ = mark_of(mark);
    count();
    if (anchor != 0) refuse(last_, "has an anchor ('&…')", "remove it, and write the value out wherever it is wanted");
    const bool tagged = (!tag.empty() && tag != "?" && tag != "!") || source_.at(last_) == '!';
    if (tagged)
      refuse(last_, "has the tag " + quoted_for_people(tag_of(source_.from(last_))), "remove it; each field's type is known");
    return last_;
  }

  void check_tab(YamlMark at) {
    if (in_flow()) return;
    if (const auto column = source_.tab_in_indentation(at.line, at.column)) {
      refuse_form({at.line, *column}, "a tab stands in the indentation", "indent with spaces");
    }
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    Frame frame;
    frame.node.kind = kind;
    frame.node.mark = begin(mark, anchor, tag);
    frame.flow = style == YAML::EmitterStyle::Flow;
    if (stack_.size() >= bounds_.depth) {
      refuse(frame.node.mark, "is nested more than " + std::to_string(bounds_.depth) + " levels deep", "nest less");
      throw Stop{};
    }
    stack_.push_back(std::move(frame));
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (node.is_scalar()) check_tab(node.mark);
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (!frame.node.is_mapping()) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      add_key(frame, node);
    } else {
      if (!frame.drop) frame.node.entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
      frame.has_key = false;
    }
  }

  void add_key(Frame& frame, YamlNode& node) {
    frame.drop = node.refused;
    if (!node.refused && !node.is_scalar()) {
      frame.drop = true;
      const bool null = node.kind == YamlNode::Kind::null;
      refuse(node.mark, null ? "a key is empty or null" : "a list or mapping stands as a key",
             null ? "write the key, in quotes if it is meant" : "write the key as one word");
    }
    frame.key = std::move(node.text);
    frame.key_mark = node.mark;
    const auto [seen, first_time] =
        frame.drop ? std::pair{frame.seen.end(), true} : frame.seen.emplace(frame.key, node.mark.line);
    frame.has_key = true;
    if (first_time) return;
    frame.drop = true;
    refuse(node.mark, "is written twice, first in line " + std::to_string(seen->second), "keep one of the two");
  }

  const SourceText& source_;
  const std::string& file_;
  int first_line_;
  const YamlBounds& bounds_;
  Problems& problems_;
  std::vector<Frame> stack_;
  YamlNode root_;
  YamlMark last_{first_line_, 1};
  std::size_t nodes_ = 0;
  bool closing_ = false;  ///< broken off: what is closed now says nothing about the author
};

/// Takes nothing: whatever begins after the document is too much.
class Leftover final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    found_ = mark;
    throw Stop{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

  [[nodiscard]] const std::optional<YAML::Mark>& found() const { return found_; }

 private:
  std::optional<YAML::Mark> found_;
};

struct Explanation {
  std::string_view begins;  ///< of the library's message
  std::string_view what;
  std::string_view mend;
};

constexpr std::string_view check_indentation = "check the indentation and the quotes of this line and the one before";
constexpr std::array<Explanation, 20> explanations{{
    {"end of map not found", "this belongs to no key", check_indentation},
    {"end of sequence not found", "this is no item of the list that it stands in",
     "begin each item with '- ', all equally indented"},
    {"illegal flow end", "this bracket closes nothing", "remove it, or open it"},
    {"illegal block entry", "'-' begins an item where none may stand", "put each item on its own line, all equally indented"},
    {"illegal map key", "'?' begins a key where none may stand", "quote the text"},
    {"illegal map value", "': ' makes a key where none may stand", "check the indentation; quote a text that has ': ' in it"},
    {"unknown escape character", "an unknown escape stands in double quotes", "write \\\\ for a backslash, or use single quotes"},
    {"invalid unicode", "an escape names no character", "write the character itself"},
    {"bad character found while scanning hex number", "an escape has too few hex digits", "write the character itself"},
    {"unexpected character in block scalar", "something stands behind '|' or '>'", "begin the text on the next line"},
    {"cannot set zero indentation", "'|0' or '>0' is no indentation", "leave the number out"},
    {"the referenced anchor is not defined", "an alias ('*…') stands here", "write the value out, or quote the text"},
    {"alias not found", "an alias ('*…') stands here", "write the value out, or quote the text"},
    {"illegal character found while scanning alias", "an alias ('*…') stands here", "write the value out, or quote the text"},
    {"anchor not found", "an anchor ('&…') stands here", "remove it, or quote the text"},
    {"illegal character found while scanning anchor", "an anchor ('&…') stands here", "remove it, or quote the text"},
    {"cannot assign multiple anchors", "an anchor ('&…') stands here", "remove it, or quote the text"},
    {"cannot assign multiple tags", "a tag ('!…') stands here", "remove it, or quote the text"},
    {"illegal character found while scanning tag", "a tag ('!…') stands here", "remove it, or quote the text"},
    {"tag handle with no suffix", "a tag ('!…') stands here", "remove it, or quote the text"},
}};

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

/// The library's complaint in words that tell an author what to do.
void explain(const YAML::Exception& exception, const SourceText& source, const Segment& segment, Builder& builder) {
  const YamlMark at = source.within(builder.mark_of(exception.mark));  // the library counts what it misses at the end
  const std::string_view message = exception.msg;
  const bool cut = source.from(at).empty() && (begins_with(message, "unknown escape") || begins_with(message, "bad character"));
  if (cut || begins_with(message, "illegal EOF in scalar") || begins_with(message, "illegal document indicator")) {
    return builder.refuse_form(source.open_quote(segment).value_or(at), "a quote is never closed",
                               "close it with the same quote");
  }
  if (!builder.in_flow()) {
    for (const int line : {at.line, at.line - 1}) {
      if (line < segment.first_line) continue;
      if (const auto column = source.tab_in_indentation(line)) {
        return builder.refuse_form({line, *column}, "a tab stands in the indentation", "indent with spaces");
      }
    }
  }
  if (begins_with(message, "end of map flow") || begins_with(message, "end of sequence flow")) {
    const YamlMark bracket = builder.open_bracket().value_or(at);
    const char opened = source.at(bracket);
    return builder.refuse_form(bracket,
                               std::string("'") + (opened == '{' ? '{' : '[') + "' is never closed, or a comma is missing in it",
                               std::string("close it with '") + (opened == '{' ? '}' : ']') + '\'');
  }
  if (begins_with(message, "unknown token")) {
    return builder.refuse_form(at, std::string("'") + source.at(at) + "' may not begin a plain text", "quote the text");
  }
  for (const Explanation& known : explanations) {
    if (begins_with(message, known.begins)) return builder.refuse_form(at, std::string(known.what), std::string(known.mend));
  }
  builder.refuse_form(at, "this is not YAML: " + exception.msg, std::string(check_indentation));
}

/// Parses one segment; true where a document was in it.
bool read_document(const SourceText& source, std::string_view text, const Segment& segment, Builder& builder,
                   YamlDocument& document) {
  std::istringstream stream{std::string(text.substr(segment.begin, segment.end - segment.begin))};
  Leftover leftover;
  bool found = false;
  try {
    YAML::Parser parser(stream);
    found = parser.HandleNextDocument(builder);
    // What is left over would be dropped silently; asked once only, since the parser may not move on (a lone ",").
    if (found) parser.HandleNextDocument(leftover);
  } catch (const Stop&) {
    document.complete = false;
    document.doubtful = builder.last();
    if (leftover.found()) {
      document.doubtful = builder.mark_of(*leftover.found());
      builder.refuse_form(document.doubtful, "this stands behind the document's end", std::string(check_indentation));
    }
  } catch (const YAML::Exception& exception) {
    document.complete = false;
    document.doubtful = builder.last();
    explain(exception, source, segment, builder);
  }
  document.root = builder.take();
  if (document.root.mark.line == 0) document.root.mark = builder.last();  // broken off before anything was read
  document.start = document.root.mark;
  return !document.complete || (found && (document.root.kind != YamlNode::Kind::null || !document.root.text.empty()));
}

void refuse_directives(const SourceText& source, const Segment& segment, const std::string& file, std::string_view text,
                       Problems& problems) {
  int line = segment.first_line;
  for (std::size_t begin = segment.begin; begin < segment.end; ++line) {
    const std::size_t end = std::min(text.find('\n', begin), segment.end);
    const char first = source.at({line, 1});
    if (first == '%') problems.push_back({{file, line, 1}, "", "a directive ('%…') stands here", "remove it", ""});
    const std::size_t content = text.find_first_not_of(" \t\r", begin);
    if (first != '%' && content < end && text[content] != '#') return;  // the document began
    begin = end + 1;
  }
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const YamlEntry& e) { return e.key == key; });
  return entry == entries.end() ? nullptr : &*entry;
}

YamlFile read_yaml(std::string_view bytes, const std::string& file, const YamlBounds& bounds) {
  YamlFile result;
  CleanText clean = clean_text(bytes, file, bounds.bytes);
  result.problems = std::move(clean.problems);
  if (!clean.text) return result;
  const SourceText source(*clean.text);
  const std::vector<Segment> segments = source.segments(bounds.documents);
  for (const Segment& segment : segments) {
    if (result.documents.size() + 1 > bounds.documents || (&segment == &segments.back() && segments.size() > bounds.documents)) {
      result.problems.push_back({{file, segment.first_line, 1},
                                 "",
                                 "the file has more than " + std::to_string(bounds.documents) + " documents",
                                 "split it into several files",
                                 ""});
      break;
    }
    refuse_directives(source, segment, file, *clean.text, result.problems);
    Builder builder(source, file, segment, bounds, result.problems);
    YamlDocument document;
    if (read_document(source, *clean.text, segment, builder, document)) result.documents.push_back(std::move(document));
  }
  return result;
}

}  // namespace cofferdam::specs
