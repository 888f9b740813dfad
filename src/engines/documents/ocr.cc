// Pictures of text, by Tesseract.
#include <leptonica/allheaders.h>
#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <memory>

#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

struct PixDeleter {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using Picture = std::unique_ptr<Pix, PixDeleter>;

// How large it is, before a pixel is unpacked.
Result<void> check_size(const l_uint8* bytes, std::size_t size, int tiff_page) {
  l_int32 format = 0, width = 0, height = 0, bits = 0, samples = 0, colours = 0;
  if (pixReadHeaderMem(bytes, size, &format, &width, &height, &bits, &samples, &colours) != 0)
    return unreadable("it is no picture of a known kind");
  const bool tiff = format >= IFF_TIFF && format <= IFF_TIFF_ZIP;
  if (tiff &&
      readHeaderMemTiff(bytes, size, tiff_page, &width, &height, &bits, &samples, nullptr, nullptr, nullptr) != 0)
    return unreadable("it has no such page");
  if (width <= 0 || height <= 0 || std::int64_t{width} * height > most_pixels)
    return unreadable("it has more than 100 million pixels");
  return {};
}

Result<Picture> unpack(std::string_view bytes, int tiff_page) {
  setMsgSeverity(L_SEVERITY_NONE);
  const auto* data = reinterpret_cast<const l_uint8*>(bytes.data());
  TOLL_TRY(check_size(data, bytes.size(), tiff_page));
  l_int32 format = 0;
  findFileFormatBuffer(data, &format);
  const bool tiff = format >= IFF_TIFF && format <= IFF_TIFF_ZIP;
  Picture picture(tiff ? pixReadMemTiff(data, bytes.size(), tiff_page) : pixReadMem(data, bytes.size()));
  if (!picture) return unreadable("the picture is damaged");
  return picture;
}

bool stop_asked(void* context, int) {
  return static_cast<const std::stop_token*>(context)->stop_requested();
}

Word word_at(tesseract::ResultIterator& at) {
  Word out;
  const std::unique_ptr<char[]> text(at.GetUTF8Text(tesseract::RIL_WORD));
  if (text) out.text = text.get();
  out.confidence = std::clamp<double>(at.Confidence(tesseract::RIL_WORD), 0, 100);
  int right = 0, bottom = 0;
  if (at.BoundingBox(tesseract::RIL_WORD, &out.left, &out.top, &right, &bottom)) {
    out.width = right - out.left;
    out.height = bottom - out.top;
  }
  return out;
}

std::vector<Word> words_of(tesseract::TessBaseAPI& reader) {
  std::vector<Word> out;
  const std::unique_ptr<tesseract::ResultIterator> at(reader.GetIterator());
  if (!at || at->Empty(tesseract::RIL_WORD)) return out;
  do {
    auto word = word_at(*at);
    if (!word.text.empty()) out.push_back(std::move(word));
  } while (at->Next(tesseract::RIL_WORD));
  return out;
}

}  // namespace

Result<Read> read_picture(std::string_view bytes, std::string_view language_data, const OcrAsked& asked) {
  const auto picture = TOLL_TRY(unpack(bytes, asked.tiff_page));
  tesseract::TessBaseAPI reader;
  // The name is a name only: the data are those given.
  if (reader.Init(language_data.data(), static_cast<int>(language_data.size()), "eng", tesseract::OEM_LSTM_ONLY,
                  nullptr, 0, nullptr, nullptr, false, nullptr) != 0)
    return Fault(Reason::internal).because("Tesseract does not take its language data");
  reader.SetPageSegMode(tesseract::PSM_AUTO);
  reader.SetVariable("preserve_interword_spaces", asked.layout ? "1" : "0");
  reader.SetImage(picture.get());
  reader.SetSourceResolution(asked.dpi);
  tesseract::ETEXT_DESC watch;
  auto stop = asked.stop;
  watch.cancel = [](void* context, int words) { return stop_asked(context, words); };
  watch.cancel_this = &stop;
  if (reader.Recognize(&watch) != 0 && !stop.stop_requested()) return unreadable("no text could be made out");
  if (stop.stop_requested()) return Fault(Reason::cancelled);
  const std::unique_ptr<char[]> text(reader.GetUTF8Text());
  Pages pages(1);
  if (text) pages.add(text.get());
  auto out = TOLL_TRY(std::move(pages).take());
  out.words = words_of(reader);
  return out;
}

}  // namespace toll::engines::documents
