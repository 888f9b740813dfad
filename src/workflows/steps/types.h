// What kind of file bytes are.
#pragma once

#include <string>
#include <string_view>

namespace toll::workflows::steps {

// By what files of a kind begin with; where that says nothing, by the ending of the name among kinds of text, and else
// text/plain for UTF-8 without control characters, application/octet-stream for anything else.
std::string type_of(std::string_view head, std::string_view name);

}  // namespace toll::workflows::steps
