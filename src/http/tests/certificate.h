// A self-signed certificate for "localhost", made for one test, in files that go with it.
#pragma once

#include <string>

namespace toll::http {

class Certificate {
 public:
  Certificate();
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  const std::string& certificate_file() const { return certificate_file_; }
  const std::string& key_file() const { return key_file_; }

 private:
  std::string folder_, certificate_file_, key_file_;
};

}  // namespace toll::http
