#include "engines/htdemucs/pickle.h"

#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {

using Kind = PickleNode::Kind;

namespace {

using onnx::refuse;

constexpr std::size_t most_operations = 1'000'000;
constexpr std::size_t longest_name = 200;
// What may be called: these make records. OrderedDict() becomes a dict.
constexpr std::array callable{"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
                              "fractions.Fraction"};
constexpr std::string_view ordered_dict = "collections.OrderedDict";

std::string printable(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, longest_name)) out += c > 0x20 && c < 0x7f ? c : '?';
  return out;
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::deque<PickleNode>& nodes) : rest_(bytes), nodes_(nodes) {}

  Result<const PickleNode*> run() {
    for (std::size_t i = 0; i < most_operations; ++i) {
      if (rest_.empty()) return refuse("the pickle is cut short");
      const auto operation = static_cast<char>(rest_.front());
      rest_ = rest_.subspan(1);
      if (operation == '.') {
        if (stack_.size() != 1 || !marks_.empty()) return refuse("the pickle does not add up");
        return stack_.back();
      }
      if (auto done = step(operation); !done) return std::move(done).error();
    }
    return refuse("the pickle is too long");
  }

 private:
  static Fault malformed() { return refuse("the pickle does not add up"); }

  Result<void> step(char operation) {
    switch (operation) {
      case '\x80':
        return protocol();
      case '(':
        return marks_.push_back(stack_.size()), Result<void>();
      case 'N':
        return push(Kind::none), Result<void>();
      case '\x88':
        return push(Kind::boolean).integer = 1, Result<void>();
      case '\x89':
        return push(Kind::boolean), Result<void>();
      case '}':
        return push(Kind::dict), Result<void>();
      case ']':
        return push(Kind::list), Result<void>();
      case ')':
        return push(Kind::tuple), Result<void>();
      case 'J':
        return integer<std::int32_t>();
      case 'K':
        return integer<std::uint8_t>();
      case 'M':
        return integer<std::uint16_t>();
      case '\x8a':
        return long_integer();
      case 'G':
        return real();
      case 'X':
        return text();
      case 'c':
        return global();
      case 'q':
        return put<std::uint8_t>();
      case 'r':
        return put<std::uint32_t>();
      case 'h':
        return get<std::uint8_t>();
      case 'j':
        return get<std::uint32_t>();
      case 't':
        return tuple_to_mark();
      case '\x85':
        return tuple(1);
      case '\x86':
        return tuple(2);
      case '\x87':
        return tuple(3);
      case 'a':
        return append(1);
      case 'e':
        return append_to_mark();
      case 's':
        return set(2);
      case 'u':
        return set_to_mark();
      case 'Q':
        return persistent();
      case 'R':
        return call();
      case 'b':
        return build();
      default: {
        constexpr const char* digits = "0123456789abcdef";
        const auto code = static_cast<std::uint8_t>(operation);
        return refuse(std::string("the pickle has operation 0x") + digits[code >> 4] + digits[code & 15] +
                      ", which no checkpoint needs");
      }
    }
  }

  PickleNode& push(Kind kind) {
    nodes_.push_back({.kind = kind});
    stack_.push_back(&nodes_.back());
    return nodes_.back();
  }

  template <class T>
  bool read(T& value) {
    if (rest_.size() < sizeof value) return false;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return true;
  }

  Result<void> protocol() {
    std::uint8_t version = 0;
    if (!read(version) || version != 2) return refuse("the pickle is not of protocol 2");
    return {};
  }

  template <class T>
  Result<void> integer() {
    T value = 0;
    if (!read(value)) return malformed();
    push(Kind::integer).integer = value;
    return {};
  }

  Result<void> long_integer() {
    std::uint8_t size = 0;
    if (!read(size) || size > 8 || rest_.size() < size) return malformed();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(rest_[i]) << (8 * i);
    if (size && size < 8 && static_cast<std::uint8_t>(rest_[size - 1u]) & 0x80) value |= ~0ull << (8 * size);
    rest_ = rest_.subspan(size);
    push(Kind::integer).integer = static_cast<std::int64_t>(value);
    return {};
  }

  Result<void> real() {
    std::uint64_t bits = 0;
    if (!read(bits)) return malformed();
    push(Kind::real).real = std::bit_cast<double>(__builtin_bswap64(bits));
    return {};
  }

  Result<void> text() {
    std::uint32_t size = 0;
    if (!read(size) || rest_.size() < size) return malformed();
    push(Kind::text).text.assign(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return {};
  }

  bool line(std::string& out) {
    for (std::size_t i = 0; i < rest_.size() && i <= longest_name; ++i) {
      if (rest_[i] != std::byte{'\n'}) continue;
      out.assign(reinterpret_cast<const char*>(rest_.data()), i);
      rest_ = rest_.subspan(i + 1);
      return true;
    }
    return false;
  }

  Result<void> global() {
    std::string module, name;
    if (!line(module) || !line(name)) return malformed();
    push(Kind::global).text = module + "." + name;
    return {};
  }

  template <class T>
  Result<void> put() {
    T index = 0;
    if (!read(index) || stack_.empty()) return malformed();
    memo_[index] = stack_.back();
    return {};
  }

  template <class T>
  Result<void> get() {
    T index = 0;
    if (!read(index)) return malformed();
    auto found = memo_.find(index);
    if (found == memo_.end()) return malformed();
    stack_.push_back(found->second);
    return {};
  }

  // How many values lie above the last mark, which is taken away.
  bool above_mark(std::size_t& count) {
    if (marks_.empty() || marks_.back() > stack_.size()) return false;
    count = stack_.size() - marks_.back();
    marks_.pop_back();
    return true;
  }

  // An operation may not reach below the last mark.
  bool has(std::size_t count) const { return stack_.size() >= count + (marks_.empty() ? 0 : marks_.back()); }

  Result<void> tuple(std::size_t count) {
    if (!has(count)) return malformed();
    std::vector<const PickleNode*> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    push(Kind::tuple).items = std::move(items);
    return {};
  }
  Result<void> tuple_to_mark() {
    std::size_t count = 0;
    if (!above_mark(count)) return malformed();
    return tuple(count);
  }

  Result<void> append(std::size_t count) { return extend(count, Kind::list); }
  Result<void> append_to_mark() {
    std::size_t count = 0;
    if (!above_mark(count)) return malformed();
    return append(count);
  }
  Result<void> set(std::size_t count) {
    if (count % 2) return malformed();
    return extend(count, Kind::dict);
  }
  Result<void> set_to_mark() {
    std::size_t count = 0;
    if (!above_mark(count)) return malformed();
    return set(count);
  }
  Result<void> extend(std::size_t count, Kind kind) {
    if (!has(count + 1)) return malformed();
    auto* target = stack_[stack_.size() - count - 1];
    if (target->kind != kind) return malformed();
    target->items.insert(target->items.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return {};
  }

  Result<void> persistent() {
    if (!has(1)) return malformed();
    const auto* id = stack_.back();
    stack_.pop_back();
    push(Kind::persistent).items = {id};
    return {};
  }

  Result<void> call() {
    if (!has(2)) return malformed();
    const auto *arguments = stack_.back(), *function = stack_[stack_.size() - 2];
    if (function->kind != Kind::global || arguments->kind != Kind::tuple) return malformed();
    stack_.resize(stack_.size() - 2);
    if (function->text == ordered_dict) {
      if (!arguments->items.empty()) return refuse("the pickle fills a dictionary by a call");
      push(Kind::dict);
      return {};
    }
    for (const char* name : callable) {
      if (function->text != name) continue;
      push(Kind::call).items = {function, arguments};
      return {};
    }
    return refuse("the pickle calls " + printable(function->text) + ", which no checkpoint needs");
  }

  // Attributes of a dictionary (torch keeps versions of modules there) say nothing that we need.
  Result<void> build() {
    if (!has(2) || stack_[stack_.size() - 2]->kind != Kind::dict) return malformed();
    stack_.pop_back();
    return {};
  }

  std::span<const std::byte> rest_;
  std::deque<PickleNode>& nodes_;
  std::vector<PickleNode*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleNode*> memo_;
};

}  // namespace

const PickleNode* PickleNode::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)
    if (items[i - 2]->kind == Kind::text && items[i - 2]->text == key) return items[i - 1];
  return nullptr;
}

bool PickleNode::is_call_of(std::string_view name) const {
  return kind == Kind::call && items[0]->text == name;
}

Result<Pickle> Pickle::parse(std::span<const std::byte> bytes) {
  Pickle pickle;
  pickle.root_ = TOLL_TRY(Machine(bytes, pickle.nodes_).run());
  return pickle;
}

}  // namespace toll::engines::htdemucs
