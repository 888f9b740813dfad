#include <libxml/parser.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/text.h"
#include "engines/documents/documents_engine.h"
#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

namespace json = boost::json;

constexpr std::string_view office = "application/vnd.openxmlformats-officedocument.";

int descriptor(const std::map<std::string, int>& files, const char* name) {
  const auto it = files.find(name);
  if (it == files.end()) throw std::invalid_argument(std::string("documents: no descriptor for ") + name);
  return it->second;
}

void write_all(int fd, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto put = ::pwrite(fd, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw std::system_error(errno, std::generic_category(), "documents: write");
    at += static_cast<std::size_t>(put);
  }
}

// What comes out of a decoder may be anything; what goes on is UTF-8.
std::string clean(std::string text) {
  if (!valid_utf8(text)) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
      std::size_t good = 0;
      for (std::size_t length = 1; length <= 4 && length <= rest.size() && good == 0; ++length)
        if (valid_utf8(rest.substr(0, length))) good = length;
      out += good ? rest.substr(0, good) : std::string_view("\xef\xbf\xbd");
      rest.remove_prefix(good ? good : 1);
    }
    text = std::move(out);
  }
  std::erase(text, '\0');
  return text;
}

std::string answer(Read read, std::int64_t first_page) {
  json::array pages, words;
  std::int64_t number = first_page;
  for (auto& page : read.pages) pages.push_back({{"number", number++}, {"text", clean(std::move(page))}});
  double sum = 0;
  for (auto& word : read.words) {
    sum += word.confidence;
    words.push_back({{"text", clean(std::move(word.text))},
                     {"confidence", word.confidence},
                     {"page", first_page},
                     {"box", {word.left, word.top, word.width, word.height}}});
  }
  json::value mean = nullptr;
  if (!words.empty()) mean = sum / static_cast<double>(words.size());
  return json::serialize(
      json::object{{"pages", std::move(pages)}, {"words", std::move(words)}, {"mean_confidence", mean}});
}

Result<Read> extract(const json::object& params, const engine::Input& input, std::stop_token stop) {
  const std::string_view mime = params.at("mime").as_string();
  const auto bytes = TOLL_TRY(read_file(descriptor(input.inputs, "file")));
  const Asked asked{params.at("max_pages").to_number<std::size_t>(), std::move(stop)};
  if (mime == "text/html" || mime == "application/xhtml+xml") return read_html(bytes, asked);
  if (mime.starts_with("text/") || mime == "application/json" || mime == "application/xml")
    return read_plain(bytes, asked);
  if (mime.starts_with(office) && mime.ends_with("wordprocessingml.document")) return read_docx(bytes, asked);
  if (mime.starts_with(office) && mime.ends_with("spreadsheetml.sheet")) return read_xlsx(bytes, asked);
  if (mime == "application/vnd.oasis.opendocument.text") return read_odt(bytes, asked);
  return Fault(Reason::unsupported_document).with("mime", std::string(mime));
}

Result<Read> ocr(const json::object& params, const engine::Input& input, std::stop_token stop) {
  const auto bytes = TOLL_TRY(read_file(descriptor(input.inputs, "file")));
  const auto language = TOLL_TRY(read_file(descriptor(input.inputs, "language")));
  return read_picture(bytes, language,
                      {.dpi = params.at("dpi").to_number<int>(),
                       .tiff_page = params.at("tiff_page").to_number<int>(),
                       .layout = params.at("layout").as_bool(),
                       .stop = std::move(stop)});
}

class DocumentsEngine final : public engine::Engine {
 public:
  engine::Description describe() const override {
    return {std::string(engine_name), "Takes the text out of documents and pictures."};
  }

  // libxml2 sets up its tables with the first document, and looks for catalogues on the way.
  void before_sandbox() override { xmlInitParser(); }

  Result<engine::Output> run(const engine::Input& input, engine::Progress&, std::stop_token stop) override {
    const auto params = json::parse(input.params).as_object();
    const bool extracts = params.at("task").as_string() == "extract";
    auto read = TOLL_TRY(extracts ? extract(params, input, stop) : ocr(params, input, stop));
    write_all(descriptor(input.outputs, "text"),
              answer(std::move(read), extracts ? 1 : params.at("page").to_number<std::int64_t>()));
    return engine::Output{};
  }
};

}  // namespace

std::unique_ptr<engine::Engine> make_documents_engine() {
  return std::make_unique<DocumentsEngine>();
}

}  // namespace toll::engines::documents
