// XML that somebody else wrote, event by event (libxml2). Private to engines/documents/.
#pragma once

#include <libxml/xmlreader.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace toll::engines::documents {

class Xml {
 public:
  // `text` outlives it.
  explicit Xml(std::string_view text);

  enum class Event { start, end, text, over };
  // The next one; an element that is empty has its end as well. Faults: unreadable_document (not well formed, has a
  // DTD, too deep), cancelled.
  Result<Event> next(const std::stop_token& stop);

  std::string_view name() const;  // of the element, without prefix
  std::string_view text() const;
  // Of the element that has just started, by its name without prefix; nullopt: it has none.
  std::optional<std::string> attribute(std::string_view local_name) const;

 private:
  std::unique_ptr<xmlTextReader, void (*)(xmlTextReader*)> reader_;
  bool end_is_due_ = false;
};

}  // namespace toll::engines::documents
