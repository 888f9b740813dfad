// A client of a running server's stems surface: blocking calls, one request after another.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::app {

struct Answer {
  int status = 0;
  std::string body;
  // The body as a JSON object; empty when it is none.
  boost::json::object json() const;
  // The server's own words about a refusal.
  std::string detail() const;
};

struct FormField {
  std::string name, value;
};
struct FormFile {
  std::string name, filename, content;
};

// A multipart/form-data body (RFC 7578): the fields, then the file. `boundary` must occur in none of them.
std::string multipart_body(std::string_view boundary, const std::vector<FormField>& fields, const FormFile& file);

class ApiClient {
 public:
  explicit ApiClient(std::string url) : url_(std::move(url)) {}

  const std::string& url() const { return url_; }
  // The Bearer credential of the calls that follow.
  void use(std::string credential) { credential_ = std::move(credential); }

  // Faults: upstream_failed when no answer came; a refusal is an Answer.
  Result<Answer> get(const std::string& path) const;
  Result<Answer> post(const std::string& path, const boost::json::object& body) const;
  Result<Answer> upload(const std::string& path, const std::vector<FormField>& fields, const FormFile& file) const;

 private:
  std::string url_;
  std::string credential_;
};

}  // namespace toll::app
