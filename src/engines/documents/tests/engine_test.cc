#include <gtest/gtest.h>
#include <sys/mman.h>

#include <boost/json.hpp>

#include "engine/fd.h"
#include "engine/host.h"
#include "engines/documents/documents_engine.h"
#include "engines/documents/tests/packed.h"

namespace toll::engines::documents {
namespace {

constexpr auto docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
constexpr auto xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
constexpr auto odt = "application/vnd.oasis.opendocument.text";
constexpr auto word = R"(xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main")";

struct NoProgress final : engine::Progress {
  void report(double) override {}
};

engine::Fd file(std::string_view bytes = {}) {
  engine::Fd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return fd;
}

// The pages, with form feeds between them, or "fault: why".
std::string read(std::string_view bytes, std::string_view mime, int max_pages = 1000) {
  engine::Catalogue catalogue;
  catalogue.add(make_documents_engine());
  const auto runner = engine::make_local_runner(catalogue);
  const auto in = file(bytes), out = file();
  engine::Task task{std::string(engine_name), {}};
  task.input.params =
      boost::json::serialize(boost::json::object{{"task", "extract"}, {"mime", mime}, {"max_pages", max_pages}});
  task.input.inputs["file"] = in.get();
  task.input.outputs["text"] = out.get();
  NoProgress progress;
  const auto ended = runner->run(task, progress, {});
  if (!ended) return std::string(ended.error().code()) + ": " + std::string(ended.error().argument("why"));
  std::string text(static_cast<std::size_t>(::lseek(out.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(out.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::string pages;
  const auto answer = boost::json::parse(text);
  for (const auto& page : answer.at("pages").as_array())
    pages += (page.at("number") == 1 ? "" : "\f") + std::string(page.at("text").as_string());
  return pages;
}

std::string a_docx(const std::string& body) {
  return packed(
      {{"word/document.xml", "<w:document " + std::string(word) + "><w:body>" + body + "</w:body></w:document>"}});
}

TEST(Plain, is_read_in_its_encoding) {
  EXPECT_EQ(read("gr\xc3\xbc\xc3\x9f", "text/plain"), "grüß");
  EXPECT_EQ(read("\xef\xbb\xbfx", "text/csv"), "x");
  EXPECT_EQ(read("gr\xfc\xdf \x80", "text/plain"), "grüß €");
  EXPECT_EQ(read(std::string_view("\xff\xfeg\0\xfc\0=\xd8\0\xde", 10), "text/plain"), "gü😀");
  EXPECT_EQ(read("a\fb", "text/plain"), "a\fb");
  EXPECT_EQ(read("a\fb\fc", "text/plain", 2), "a\fb");
  EXPECT_EQ(read(R"({"a":1})", "application/json"), R"({"a":1})");
  EXPECT_EQ(read("", "text/plain"), "");
}

TEST(Plain, that_is_none_or_too_long_is_refused) {
  EXPECT_EQ(read(std::string_view("a\0b", 3), "text/plain"), "unreadable_document: it is no text");
  EXPECT_EQ(read(std::string(7 << 20, 'x'), "text/plain"), "unreadable_document: it holds more than 6 MiB of text");
}

TEST(Html, is_read_as_people_see_it) {
  EXPECT_EQ(read("<html><head><title>no</title><style>p{}</style></head><body><h1>Invoice</h1><p>Total:\n   <b>42</b> "
                 "&euro;</p>"
                 "<script>alert(1)</script><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></"
                 "table>line<br>next</body></html>",
                 "text/html"),
            "Invoice\nTotal: 42 €\nA\tB\n1\t2\nline\nnext\n");
  EXPECT_EQ(read("<p>unclosed <div>and <b>wild", "text/html"), "unclosed\nand wild\n");
  EXPECT_EQ(read("", "text/html"), "");
}

TEST(Html, may_be_as_deep_as_it_likes) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<div>";
  const auto text = read(deep + "x", "text/html");
  EXPECT_FALSE(text.starts_with("internal")) << text.substr(0, 100);
}

TEST(Docx, gives_paragraphs_tables_and_page_breaks) {
  EXPECT_EQ(read(a_docx("<w:p><w:r><w:t>Invoice</w:t><w:tab/><w:t xml:space=\"preserve\"> 42</w:t></w:r></w:p>"
                        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Pen</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3.00</"
                        "w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
                        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br "
                        "w:type=\"page\"/><w:t>Two</w:t></w:r></w:p>"),
                 docx),
            "Invoice\t 42\nPen \t3.00\n\fTwo\n");
}

TEST(Odt, gives_paragraphs_blanks_and_tables) {
  EXPECT_EQ(
      read(packed({{"mimetype", odt},
                   {"content.xml",
                    "<o:doc xmlns:o='urn:o' xmlns:t='urn:t' xmlns:tb='urn:tb'><o:styles>no</o:styles><o:body><o:text>"
                    "<t:h>Invoice</t:h><t:p>a<t:s t:c='3'/>b<t:tab/>c<t:line-break/>d</t:p>"
                    "<tb:table><tb:table-row><tb:table-cell><t:p>1</t:p></tb:table-cell><tb:table-cell><t:p>2</t:p>"
                    "</tb:table-cell></tb:table-row></tb:table></o:text></o:body></o:doc>"}}),
           odt),
      "Invoice\na   b\tc\nd\n1 \t2\n");
}

std::string an_xlsx(const std::string& rows) {
  return packed(
      {{"xl/workbook.xml",
        "<workbook xmlns:r='urn:r'><sheets><sheet name='One' r:id='r1'/><sheet name='Two' "
        "r:id='r2'/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id='r1' Target='worksheets/sheet1.xml'/>"
        "<Relationship Id='r2' Target='/xl/worksheets/sheet2.xml'/></Relationships>"},
       {"xl/sharedStrings.xml",
        "<sst><si><t>Item</t></si><si><r><t>Blue </t></r><r><t>pen</t></r><rPh><t>no</t></rPh></si></sst>"},
       {"xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/><numFmt numFmtId='165' "
        "formatCode='0.00\" day\"'/></numFmts><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf "
        "numFmtId='165'/></cellXfs></styleSheet>"},
       {"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"},
       {"xl/worksheets/sheet2.xml",
        "<worksheet><sheetData><row><c t='inlineStr'><is><t>here</t></is></c></row></sheetData></worksheet>"}});
}

TEST(Xlsx, gives_sheets_as_pages_and_dates_as_dates) {
  EXPECT_EQ(read(an_xlsx("<row><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>"
                         "<row><c r='A2'><v>42.5</v></c><c r='B2' s='1'><v>46053</v></c><c r='C2' "
                         "s='2'><v>46053.75</v></c><c r='D2' "
                         "s='3'><v>2</v></c><c r='E2' t='b'><v>1</v></c></row>"),
                 xlsx),
            "Item\t\tBlue pen\n42.5\t2026-01-31\t2026-01-31T18:00:00\t2\tTRUE\n\fhere\n");
}

TEST(Xlsx, is_not_made_large_by_a_far_cell) {
  std::string rows;
  for (int i = 0; i < 200; ++i) rows += "<row><c r='XFD1'><v>1</v></c></row>";
  EXPECT_LT(read(an_xlsx(rows), xlsx).size(), 200'000u);
  EXPECT_EQ(read(an_xlsx("<row><c r='A1' t='s'><v>99</v></c><c r='ZZZZZZ1' s='-1'><v>x</v></c></row>"), xlsx),
            "\tx\n\fhere\n");
}

TEST(Packed, that_is_a_bomb_is_refused) {
  const auto bomb = a_docx("<w:p><w:r><w:t>" + std::string(300 << 20, ' ') + "</w:t></w:r></w:p>");
  EXPECT_LT(bomb.size(), 2u << 20);
  EXPECT_EQ(read(bomb, docx), "unreadable_document: it unpacks to more than 256 MiB");
  const auto long_text = a_docx("<w:p><w:r><w:t>" + std::string(7 << 20, 'x') + "</w:t></w:r></w:p>");
  EXPECT_EQ(read(long_text, docx), "unreadable_document: it holds more than 6 MiB of text");
}

TEST(Packed, with_entities_or_depth_is_refused) {
  const auto laughs = R"(<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><d>&b;</d>)";
  EXPECT_EQ(read(packed({{"word/document.xml", laughs}}), docx),
            "unreadable_document: a part of it has a document type");
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "<w:p>";
  EXPECT_TRUE(read(a_docx(deep), docx).starts_with("unreadable_document"));
}

TEST(Packed, that_is_damaged_or_something_else_is_refused) {
  const auto whole = a_docx("<w:p/>");
  for (const auto& bytes : {std::string("PK\x03\x04 no"), std::string(), whole.substr(0, whole.size() / 2),
                            packed({{"other.xml", "<a/>"}}), a_docx("<w:p>")})
    EXPECT_TRUE(read(bytes, docx).starts_with("unreadable_document")) << bytes.size();
  EXPECT_TRUE(read(whole, "application/zip").starts_with("unsupported_document"));
}

}  // namespace
}  // namespace toll::engines::documents
