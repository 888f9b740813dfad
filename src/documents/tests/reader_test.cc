// PDF and OCR through the real programs, in their cages.
#include "documents/reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/fd.h"
#include "engine/sanitizers.h"

namespace toll::documents {
namespace {

engine::Fd file(std::string_view bytes) {
  engine::Fd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return fd;
}

// A PDF whose pages hold these lines as text; a page without lines is empty. The cross references are left for readers
// to repair.
std::string pdf(const std::vector<std::vector<std::string>>& pages) {
  std::string kids, objects;
  int number = 4;
  for (const auto& lines : pages) {
    std::string stream;
    int y = 700;
    for (const auto& line : lines) {
      stream += "BT /F1 24 Tf 72 " + std::to_string(y) + " Td (" + line + ") Tj ET\n";
      y -= 40;
    }
    kids += std::to_string(number) + " 0 R ";
    objects += std::to_string(number) + " 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents " +
               std::to_string(number + 1) + " 0 R/Resources<</Font<</F1 3 0 R>>>>>>endobj\n";
    objects += std::to_string(number + 1) + " 0 obj<</Length " + std::to_string(stream.size()) + ">>stream\n" + stream +
               "endstream endobj\n";
    number += 2;
  }
  return "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count " +
         std::to_string(pages.size()) + "/Kids[" + kids +
         "]>>endobj\n3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" + objects +
         "trailer<</Root 1 0 R>>\n%%EOF\n";
}

class Documents : public ::testing::Test {
 protected:
  Reader reader(Options options = {}) {
    options.self = DOCUMENTS_WORKER;
    options.languages = "/usr/share/tesseract-ocr/5/tessdata";
    options.tool.sandbox = !engine::built_with_sanitizer;
    engine::Limits limits;
    limits.sandbox = !engine::built_with_sanitizer;
    limits.memory_bytes = 1ull << 30;
    return Reader([=] { return engine::make_process_runner(DOCUMENTS_WORKER, limits); }, std::move(options));
  }
  Result<Text> read(std::string_view bytes, std::string_view mime, Asked asked = {}, std::stop_token stop = {}) {
    const auto fd = file(bytes);
    return reader().read(fd.get(), mime, asked, stop);
  }
};

TEST_F(Documents, read_the_text_layer_of_a_pdf_page_by_page) {
  const auto text = read(pdf({{"Invoice 42", "Total: 1,234.50"}, {"Second page"}}), "application/pdf");
  ASSERT_TRUE(text) << text.error().describe();
  ASSERT_EQ(text.value().pages.size(), 2u);
  EXPECT_NE(text.value().pages[0].text.find("Invoice 42"), std::string::npos);
  EXPECT_NE(text.value().pages[0].text.find("Total: 1,234.50"), std::string::npos);
  EXPECT_NE(text.value().all().find("\fSecond page"), std::string::npos);
  EXPECT_FALSE(text.value().mean_confidence);
  EXPECT_EQ(read(pdf({{"a"}, {"b"}, {"c"}}), "Application/PDF; x=y", {.max_pages = 2}).value().pages.size(), 2u);
}

TEST_F(Documents, read_drawn_pages_by_ocr) {
  const auto bytes = pdf({{"Invoice 4711", "Amount due"}});
  const auto text = read(bytes, "application/pdf", {.ocr = Ocr::force, .dpi = 150});
  ASSERT_TRUE(text) << text.error().describe();
  EXPECT_NE(text.value().all().find("Invoice 4711"), std::string::npos) << text.value().all();
  ASSERT_EQ(text.value().words.size(), 4u);
  EXPECT_EQ(text.value().words[1].text, "4711");
  EXPECT_GT(text.value().words[1].left, text.value().words[0].left);
  EXPECT_GT(text.value().words[1].width, 0);
  EXPECT_GT(*text.value().mean_confidence, 70);
}

TEST_F(Documents, leave_pages_without_text_alone_where_ocr_is_off) {
  const auto text = read(pdf({{}}), "application/pdf", {.ocr = Ocr::off});
  ASSERT_TRUE(text) << text.error().describe();
  EXPECT_EQ(text.value().pages.size(), 1u);
  EXPECT_TRUE(text.value().words.empty());
}

TEST_F(Documents, that_are_damaged_are_said_to_be) {
  for (const std::string& bytes : {std::string("%PDF-1.7 nothing"), std::string(), std::string(5000, 'x')}) {
    const auto text = read(bytes, "application/pdf");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().reason(), Reason::unreadable_document);
    EXPECT_EQ(text.error().detail().find("/usr"), std::string::npos);
  }
  EXPECT_EQ(read("no picture", "image/png").error().reason(), Reason::unreadable_document);
  EXPECT_EQ(read("x", "video/mp4").error().reason(), Reason::unsupported_document);
}

TEST_F(Documents, read_pictures_and_say_when_they_cannot) {
  // A portable bitmap, all white.
  const auto white = "P5\n200 60\n255\n" + std::string(200 * 60, '\xff');
  const auto text = read(white, "image/x-portable-anymap");
  ASSERT_TRUE(text) << text.error().describe();
  EXPECT_TRUE(text.value().words.empty());
  EXPECT_EQ(read(white, "image/x-portable-anymap", {.language = "xyz"}).error().reason(), Reason::unreadable_document);
  EXPECT_EQ(read(white, "image/x-portable-anymap", {.language = "../x"}).error().reason(), Reason::unreadable_document);
  EXPECT_EQ(read("P5\n60000 60000\n255\n", "image/x-portable-anymap").error().argument("why"),
            "it has more than 100 million pixels");
}

TEST_F(Documents, read_the_rest_in_the_worker) {
  EXPECT_EQ(read("<p>Hello</p>", "text/html").value().all(), "Hello\n");
  EXPECT_EQ(read("a,b\n1,2\n", "text/csv").value().all(), "a,b\n1,2\n");
}

TEST_F(Documents, stop_when_they_are_told_to) {
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(read(pdf({{"x"}}), "application/pdf", {}, source.get_token()).error().reason(), Reason::cancelled);
}

}  // namespace
}  // namespace toll::documents
