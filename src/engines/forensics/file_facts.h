// What the headers of a file say about its making: quantisation tables, Exif, XMP, texts, and whether it carries
// content credentials. Hostile bytes: everything is bounded, what does not fit is left out, nothing throws.
//
// JPEG (ITU-T T.81), Exif 2.32 (CIPA DC-008), PNG 1.2 with eXIf and iTXt, the WebP container (RFC 9649), ISO base media
// (ISO/IEC 14496-12), TIFF 6.0. C2PA 1.4, section 11.3, names where its manifests lie in each; IPTC's
// digitalSourceType says that a model made the picture.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "engines/forensics/blocks.h"
#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

inline constexpr std::size_t facts_bytes = 8u << 20;  // of the beginning of a file: as much as is looked at

struct FileFacts {
  std::optional<QuantisationTable> luminance, chrominance;  // of a JPEG
  Orientation orientation;
  std::int64_t pixels = 0;            // that a JPEG or PNG claims; 0 where it is not known
  std::string make, model, software;  // Exif, printable, at most 64 bytes each
  // C2PA: a manifest is there; it has a signature box. Neither certificate nor signature is verified.
  bool credentials = false, credentials_signed = false;
  bool declares_generated = false;  // trainedAlgorithmicMedia, in credentials or XMP
  std::string generator;            // a generator that names itself in a text or as the software
  std::string editor;               // an editor that does
};
FileFacts read_file_facts(std::span<const std::byte> beginning);

}  // namespace toll::engines::forensics
