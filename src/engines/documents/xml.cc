#include "engines/documents/xml.h"

#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

constexpr int deepest = 200;

std::string_view view(const xmlChar* text) {
  return text ? reinterpret_cast<const char*>(text) : std::string_view();
}

}  // namespace

Xml::Xml(std::string_view text)
    : reader_(xmlReaderForMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT),
              xmlFreeTextReader) {
  if (!reader_) throw std::bad_alloc();
}

Result<Xml::Event> Xml::next(const std::stop_token& stop) {
  if (end_is_due_) {
    end_is_due_ = false;
    return Event::end;
  }
  for (;;) {
    if (stop.stop_requested()) return Fault(Reason::cancelled);
    const int got = xmlTextReaderRead(reader_.get());
    if (got == 0) return Event::over;
    if (got < 0) return unreadable("a part of it is no well-formed XML");
    if (xmlTextReaderDepth(reader_.get()) > deepest) return unreadable("a part of it is nested too deep");
    switch (xmlTextReaderNodeType(reader_.get())) {
      case XML_READER_TYPE_ELEMENT:
        end_is_due_ = xmlTextReaderIsEmptyElement(reader_.get()) == 1;
        return Event::start;
      case XML_READER_TYPE_END_ELEMENT:
        return Event::end;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        return Event::text;
      case XML_READER_TYPE_DOCUMENT_TYPE:
        return unreadable("a part of it has a document type");
      default:
        break;
    }
  }
}

std::string_view Xml::name() const {
  return view(xmlTextReaderConstLocalName(reader_.get()));
}

std::string_view Xml::text() const {
  return view(xmlTextReaderConstValue(reader_.get()));
}

std::optional<std::string> Xml::attribute(std::string_view local_name) const {
  std::optional<std::string> out;
  for (int more = xmlTextReaderMoveToFirstAttribute(reader_.get()); more == 1 && !out;
       more = xmlTextReaderMoveToNextAttribute(reader_.get()))
    if (view(xmlTextReaderConstLocalName(reader_.get())) == local_name) out = std::string(text());
  xmlTextReaderMoveToElement(reader_.get());
  return out;
}

}  // namespace toll::engines::documents
