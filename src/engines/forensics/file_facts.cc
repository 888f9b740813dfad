#include "engines/forensics/file_facts.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace toll::engines::forensics {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::array<std::string_view, 11> generators{"Stable Diffusion",
                                                      "Midjourney",
                                                      "DALL-E",
                                                      "DALL\xC2\xB7"
                                                      "E",
                                                      "Firefly",
                                                      "ComfyUI",
                                                      "InvokeAI",
                                                      "NovelAI",
                                                      "Made with Google AI",
                                                      "Imagen",
                                                      "FLUX"};
// Texts of PNG files that only generators write.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> generator_keywords{
    {{"parameters", "Stable Diffusion"},
     {"sd-metadata", "InvokeAI"},
     {"invokeai_metadata", "InvokeAI"},
     {"workflow", "ComfyUI"},
     {"Dream", "Stable Diffusion"}}};
constexpr std::array<std::string_view, 10> editors{"Photoshop",  "GIMP",    "Lightroom", "Snapseed",  "Affinity",
                                                   "Pixelmator", "PicsArt", "Facetune",  "paint.net", "ImageMagick"};
constexpr std::string_view generated_type = "trainedAlgorithmicMedia";  // also ends compositeWith...
constexpr int most_parts = 10'000;                                      // segments, chunks, boxes

std::string_view text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes part(Bytes bytes, std::size_t from, std::size_t count = std::size_t(-1)) {
  from = std::min(from, bytes.size());
  return bytes.subspan(from, std::min(count, bytes.size() - from));
}
// Whole numbers of any order; 0 beyond the end.
std::size_t number(Bytes bytes, std::size_t at, std::size_t width, bool big) {
  if (at > bytes.size() || bytes.size() - at < width) return 0;
  std::size_t out = 0;
  for (std::size_t i = 0; i < width; ++i)
    out = out << 8 | std::to_integer<std::size_t>(bytes[at + (big ? i : width - 1 - i)]);
  return out;
}
bool contains(std::string_view all, std::string_view some) {
  return all.find(some) != std::string_view::npos;
}

std::string printable(std::string_view raw) {
  std::string out(raw.substr(0, std::min<std::size_t>({raw.size(), raw.find('\0'), 64})));
  std::erase_if(out, [](unsigned char c) { return c < 0x20 || c > 0x7e; });
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

class Facts {
 public:
  FileFacts out;

  void names(std::string_view said) {
    for (auto name : generators)
      if (out.generator.empty() && contains(said, name)) out.generator = printable(name);
    for (auto name : editors)
      if (out.editor.empty() && contains(said, name)) out.editor = name;
  }
  void xmp(Bytes packet) {
    names(text(packet));
    if (contains(text(packet), generated_type)) out.declares_generated = true;
  }
  void manifest(Bytes store) {
    out.credentials = true;
    if (contains(text(store), "c2pa.signature")) out.credentials_signed = true;
    if (contains(text(store), generated_type)) out.declares_generated = true;
  }
  void exif(Bytes tiff) {
    const bool big = text(part(tiff, 0, 2)) == "MM";
    if (!big && text(part(tiff, 0, 2)) != "II") return;
    const auto directory = number(tiff, 4, 4, big);
    const auto entries = number(tiff, directory, 2, big);
    for (std::size_t i = 0; i < std::min<std::size_t>(entries, 200); ++i) entry(tiff, directory + 2 + 12 * i, big);
  }

 private:
  void entry(Bytes tiff, std::size_t at, bool big) {
    const auto tag = number(tiff, at, 2, big), count = number(tiff, at + 4, 4, big);
    const auto value = [&] { return part(tiff, count <= 4 ? at + 8 : number(tiff, at + 8, 4, big), count); };
    if (tag == 0x010f) out.make = printable(text(value()));
    if (tag == 0x0110) out.model = printable(text(value()));
    if (tag == 0x0131) names(out.software = printable(text(value())));
    if (tag == 52545) manifest(value());
    if (tag != 0x0112) return;
    const auto turned = number(tiff, at + 8, 2, big);
    if (turned >= 1 && turned <= 8) out.orientation.exif = static_cast<int>(turned);
  }
};

void read_tables(Bytes segment, FileFacts& out) {
  while (!segment.empty()) {
    const auto head = std::to_integer<unsigned>(segment[0]);
    const std::size_t width = head >> 4 ? 2 : 1;
    if (segment.size() < 1 + 64 * width) return;
    QuantisationTable table;
    for (std::size_t i = 0; i < 64; ++i)
      table[zigzag[i]] =
          static_cast<std::uint16_t>(std::max<std::size_t>(1, number(segment, 1 + i * width, width, true)));
    if ((head & 15) == 0) out.luminance = table;
    if ((head & 15) == 1) out.chrominance = table;
    segment = part(segment, 1 + 64 * width);
  }
}

void read_jpeg(Bytes file, Facts& facts) {
  constexpr std::string_view exif_id("Exif\0\0", 6), xmp_id("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string jumbf;
  std::size_t at = 2;
  for (int i = 0; i < most_parts && at + 4 <= file.size(); ++i) {
    if (file[at] != std::byte{0xff}) break;
    const auto marker = std::to_integer<unsigned>(file[at + 1]);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    const auto length = number(file, at + 2, 2, true);
    const auto segment = part(file, at + 4, length < 2 ? 0 : length - 2);
    if (marker == 0xda || length < 2) break;  // the picture itself
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) facts.out.pixels = static_cast<std::int64_t>(number(segment, 1, 2, true) * number(segment, 3, 2, true));
    if (marker == 0xdb) read_tables(segment, facts.out);
    if (marker == 0xe1 && text(segment).starts_with(exif_id)) facts.exif(part(segment, exif_id.size()));
    if (marker == 0xe1 && text(segment).starts_with(xmp_id)) facts.xmp(part(segment, xmp_id.size()));
    if (marker == 0xeb && text(segment).starts_with("JP")) jumbf += text(part(segment, 8));
    at += 2 + length;
  }
  if (contains(jumbf, "c2pa")) facts.manifest(std::as_bytes(std::span(jumbf)));
}

void read_png_text(Bytes chunk, Facts& facts) {
  const auto said = text(chunk);
  const auto keyword = said.substr(0, said.find('\0'));
  for (const auto& [word, generator] : generator_keywords)
    if (keyword == word && facts.out.generator.empty()) facts.out.generator = generator;
  if (keyword == "XML:com.adobe.xmp") facts.xmp(chunk);
  if (keyword == "Software") facts.names(said);
}

void read_png(Bytes file, Facts& facts) {
  std::size_t at = 8;
  for (int i = 0; i < most_parts && at + 8 <= file.size(); ++i) {
    const auto length = number(file, at, 4, true);
    const auto kind = text(part(file, at + 4, 4));
    const auto chunk = part(file, at + 8, length);
    if (kind == "IHDR")  // sides of 31 bits
      facts.out.pixels = static_cast<std::int64_t>((number(chunk, 0, 4, true) & 0x7fffffff) *
                                                   (number(chunk, 4, 4, true) & 0x7fffffff));
    if (kind == "eXIf") facts.exif(chunk);
    if (kind == "tEXt" || kind == "iTXt" || kind == "zTXt") read_png_text(chunk, facts);
    if (kind == "caBX") facts.manifest(chunk);
    if (kind == "IEND") return;
    at += 12 + length;
  }
}

void read_webp(Bytes file, Facts& facts) {
  std::size_t at = 12;
  for (int i = 0; i < most_parts && at + 8 <= file.size(); ++i) {
    const auto kind = text(part(file, at, 4));
    const auto length = number(file, at + 4, 4, false);
    auto chunk = part(file, at + 8, length);
    if (kind == "EXIF") facts.exif(text(chunk).starts_with("Exif") ? part(chunk, 6) : chunk);
    if (kind == "XMP ") facts.xmp(chunk);
    if (kind == "C2PA") facts.manifest(chunk);
    at += 8 + length + length % 2;
  }
}

// ISO base media: the boxes of the top level, as far as they begin within `file`.
void read_boxes(Bytes file, Facts& facts) {
  constexpr std::string_view c2pa_id("\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81", 16);
  constexpr std::string_view xmp_id("\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac", 16);
  std::size_t at = 0;
  for (int i = 0; i < most_parts && at < file.size() && file.size() - at >= 24; ++i) {
    auto length = number(file, at, 4, true);
    const std::size_t head = length == 1 ? 16 : 8;
    if (length == 1) length = number(file, at + 8, 8, true);
    if (length == 0) length = file.size() - at;
    if (length < head || length > file.size() - at + (std::size_t(1) << 48)) return;
    const auto box = part(file, at + head, length - head);
    if (text(part(file, at + 4, 4)) == "uuid" && text(box).starts_with(c2pa_id)) facts.manifest(part(box, 16));
    if (text(part(file, at + 4, 4)) == "uuid" && text(box).starts_with(xmp_id)) facts.xmp(part(box, 16));
    at += length;
  }
}

}  // namespace

FileFacts read_file_facts(Bytes beginning) {
  Facts facts;
  const auto head = text(part(beginning, 0, 12));
  if (head.starts_with("\xff\xd8")) read_jpeg(beginning, facts);
  if (head.starts_with("\x89PNG")) read_png(beginning, facts);
  if (head.starts_with("RIFF") && head.ends_with("WEBP")) read_webp(beginning, facts);
  if (head.size() == 12 && head.substr(4, 4) == "ftyp") read_boxes(beginning, facts);
  if (head.starts_with("II*") || head.starts_with(std::string_view("MM\0*", 4))) facts.exif(beginning);
  return std::move(facts.out);
}

}  // namespace toll::engines::forensics
