// Numbers of JSON and the elements of tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "surfaces/inference/datatypes.h"

namespace toll::open_inference {

// A list of numbers or of truth values as it was read, eight bytes a value whatever its nesting was.
class Numbers {
 public:
  void add(std::int64_t value);
  void add(std::uint64_t value);  // beyond std::int64_t
  void add(double value);
  void add(bool value);
  std::size_t size() const { return values_.size(); }

  // The elements of a tensor of this type, as bytes. The problem as a clause, when a value is none of the type's.
  std::string to_bytes(ElementType type, std::string& out) const;

 private:
  template <class T>
  std::string integers(std::string& out) const;
  template <class T, class Convert>
  std::string reals(std::string& out, Convert convert) const;
  std::string truths(std::string& out) const;
  template <class T>
  void push(T value);
  void make_real();
  double real(std::size_t i) const;
  void note_exact(std::size_t at, std::int64_t value);
  void note_exact(std::size_t at, std::uint64_t value);

  // An integer that a double does not hold, among reals.
  struct Exact {
    std::size_t at;
    std::uint64_t bits;
    bool negative;
  };

  // Bits of double when real_, else of std::uint64_t when large_, else of std::int64_t.
  std::vector<std::uint64_t> values_;
  std::vector<Exact> exact_;  // by place
  bool real_ = false, large_ = false, negative_ = false, truth_ = false, number_ = false;
};

// Appends the elements as a flat JSON list. Values that JSON has no number for (NaN, infinities) become null; how many
// there were. `bytes` holds whole elements.
std::size_t append_numbers(std::string& out, ElementType type, std::string_view bytes);

// IEEE 754 binary16 and bfloat16, rounded to nearest, ties to even.
std::uint16_t to_half(float value);
float from_half(std::uint16_t bits);
std::uint16_t to_bfloat(float value);
float from_bfloat(std::uint16_t bits);

}  // namespace toll::open_inference
