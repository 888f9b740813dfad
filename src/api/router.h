// Finds the operation for a method and a path. Paths answer with and without one trailing slash; segments are
// percent-decoded one by one, so a %2F never splits a segment.
//
// A {name...} takes one or more segments. What stands behind it is matched from the right, the route with more literal
// segments first: /models/{repo...}/files wins over /models/{repo...} where both fit.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace toll::api {

struct Operation;

class Router {
 public:
  Router();
  ~Router();
  // At the operation's path below `prefix` ("" or "/api/v1"). The operation must outlive the router. Throws
  // std::logic_error when method and path are taken.
  void add(const Operation& operation, std::string_view prefix = "");

  struct Found {
    const Operation* operation = nullptr;
    std::vector<std::string> params;    // values of the route's {places}, in order
    std::vector<http::Method> allowed;  // when the path is known but not the method
  };
  // HEAD finds GET.
  Found find(http::Method method, std::string_view path) const;

 private:
  struct Node;
  static Node* span_of(Node& node, std::vector<std::string> suffix);
  std::unique_ptr<Node> root_;
};

}  // namespace toll::api
