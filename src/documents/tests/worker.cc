// A worker process with the engine and the tools, called as the product's binary would be.
#include <cstring>

#include "engine/host.h"
#include "engine/tool.h"
#include "engines/documents/documents_engine.h"

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "tool") == 0)
    return toll::engine::become_tool({arguments + 2, arguments + count});
  toll::engine::Catalogue catalogue;
  catalogue.add(toll::engines::documents::make_documents_engine());
  return toll::engine::serve_worker(catalogue, 3, !(count > 2 && std::strcmp(arguments[2], "--no-sandbox") == 0));
}
