// HTML by libxml2's forgiving parser.
#include <libxml/HTMLparser.h>

#include <array>
#include <memory>

#include "base/text.h"
#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const auto one : names)
    if (equal_ignoring_case(name, one)) return true;
  return false;
}

bool is_unseen(std::string_view name) {
  return is_one_of(name, {"script", "style", "head", "noscript", "template", "svg", "object", "iframe"});
}

bool is_block(std::string_view name) {
  return is_one_of(name,
                   {"p",       "div",    "br",      "tr",       "li",    "ul",      "ol",      "table",      "h1",
                    "h2",      "h3",     "h4",      "h5",       "h6",    "section", "article", "header",     "footer",
                    "main",    "nav",    "aside",   "pre",      "form",  "hr",      "dl",      "dt",         "dd",
                    "caption", "figure", "address", "fieldset", "thead", "tbody",   "tfoot",   "blockquote", "body"});
}

// Blanks of any kind and number become one, and none stands at the start of a line.
void add_words(Pages& pages, std::string_view text, bool& blank) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
      blank = true;
      continue;
    }
    if (blank && !(out.empty() && pages.at_line_start())) out += ' ';
    blank = false;
    out += c;
  }
  pages.add(out);
}

// Where a block begins or ends, a line does.
void break_line(Pages& pages, bool& blank) {
  if (!pages.at_line_start()) pages.end_line();
  blank = false;
}

// Without recursion: how deep a document is, is its author's choice.
void walk(const xmlNode* top, Pages& pages, const std::stop_token& stop) {
  bool blank = false;
  const auto* node = top;
  while (node && !pages.done() && !stop.stop_requested()) {
    const std::string_view name = node->type == XML_ELEMENT_NODE ? reinterpret_cast<const char*>(node->name) : "";
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
      add_words(pages, reinterpret_cast<const char*>(node->content), blank);
    if (is_block(name)) break_line(pages, blank);
    if (!is_unseen(name) && node->children) {
      node = node->children;
      continue;
    }
    while (node && node != top && !node->next) {
      node = node->parent;
      const std::string_view left = node && node->name ? reinterpret_cast<const char*>(node->name) : "";
      if (is_block(left)) break_line(pages, blank);
      if (is_one_of(left, {"td", "th"})) pages.add('\t'), blank = false;
    }
    if (!node || node == top) return;
    if (is_one_of(name, {"td", "th"})) pages.add('\t');
    node = node->next;
  }
}

}  // namespace

Result<Read> read_html(std::string_view bytes, const Asked& asked) {
  const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> document(
      htmlReadMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, valid_utf8(bytes) ? "UTF-8" : nullptr,
                     HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET),
      xmlFreeDoc);
  Pages pages(asked.max_pages);
  if (document) {
    if (const auto* root = xmlDocGetRootElement(document.get())) walk(root, pages, asked.stop);
  } else if (!trim(bytes).empty()) {
    return unreadable("it is no HTML");
  }
  if (!pages.at_line_start()) pages.end_line();
  if (asked.stop.stop_requested()) return Fault(Reason::cancelled);
  return std::move(pages).take();
}

}  // namespace toll::engines::documents
