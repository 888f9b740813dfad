#include "http/tests/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace toll::http {

namespace {

template <class Write>
void write_pem(const std::string& path, Write write) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  if (!file || write(file.get()) != 1) throw std::runtime_error("cannot write " + path);
}

}  // namespace

Certificate::Certificate() {
  char folder[] = "/tmp/certificate-XXXXXX";
  if (!::mkdtemp(folder)) throw std::runtime_error("mkdtemp");
  folder_ = folder;
  certificate_file_ = folder_ + "/certificate.pem";
  key_file_ = folder_ + "/key.pem";
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key.get());
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
  X509_add_ext(x, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(x, key.get(), EVP_sha256());
  write_pem(certificate_file_, [&](FILE* file) { return PEM_write_X509(file, x); });
  write_pem(key_file_,
            [&](FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

Certificate::~Certificate() {
  std::filesystem::remove_all(folder_);
}

}  // namespace toll::http
