#include "surfaces/deployments/answers.h"

#include <boost/json/serialize.hpp>

namespace toll::deployed {

http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

http::Response json_answer(int status, const json::Value& body) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "application/json");
  response.body = boost::json::serialize(body);
  return response;
}

Result<json::Object> object_of(const json::Value& body) {
  if (!body.is_object()) return Reason::malformed_json;
  return body.get_object();
}

}  // namespace toll::deployed
