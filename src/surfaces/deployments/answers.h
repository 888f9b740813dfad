// Answers and bodies that every endpoint makes and reads alike.
#pragma once

#include "base/result.h"
#include "http/message.h"
#include "json/parse.h"

namespace toll::deployed {

http::Response no_content();
http::Response json_answer(int status, const json::Value& body);
// Faults: malformed_json for anything but an object.
Result<json::Object> object_of(const json::Value& body);

}  // namespace toll::deployed
