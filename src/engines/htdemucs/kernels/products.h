// The loops of table.h over panels of columns. Included after body.h, in the same way. LINES_AT_ONCE lines of three
// vectors of sums fit the registers; ADD_PAIRS(sum, a, b), of type NATIVE, adds the products of pairs of 16 bits to
// sums of 32.

constexpr std::size_t vectors_at_once = 3;
constexpr std::size_t columns_at_once = vectors_at_once * WIDTH;

typedef int LooseInteger __attribute__((may_alias));

struct FixedPoint {
  using Sums = Integers;
  static inline Sums zero() { return Integers{}; }
  static inline Sums add(Sums sum, Vector x, const float* weight) {
    const Integers w = Integers{} + *reinterpret_cast<const LooseInteger*>(weight);
    return (Integers)ADD_PAIRS((NATIVE)sum, (NATIVE)x, (NATIVE)w);
  }
  static inline Vector result(Sums sum) { return __builtin_convertvector(sum, Vector); }
};

struct SinglePrecision {
  using Sums = Vector;
  static inline Sums zero() { return Vector{}; }
  static inline Sums add(Sums sum, Vector x, const float* weight) { return sum + *weight * x; }
  static inline Vector result(Sums sum) { return sum; }
};

template <class Arithmetic>
static inline void product_part(const Product& p, std::size_t line, std::size_t column) {
  typename Arithmetic::Sums sums[LINES_AT_ONCE][vectors_at_once];
  for (auto& row : sums)
    for (auto& sum : row) sum = Arithmetic::zero();
  const float* weights = p.weights + line;
  const float* panel = p.panel + column;
  for (std::size_t i = 0; i < p.words; ++i, weights += lines, panel += p.panel_stride) {
    Vector x[vectors_at_once];
    for (std::size_t v = 0; v < vectors_at_once; ++v) x[v] = load(panel + v * WIDTH);
    for (std::size_t r = 0; r < LINES_AT_ONCE; ++r)
      for (std::size_t v = 0; v < vectors_at_once; ++v) sums[r][v] = Arithmetic::add(sums[r][v], x[v], weights + r);
  }
#pragma GCC unroll 3
  for (std::size_t v = 0; v < vectors_at_once; ++v) {
    const std::size_t at = column + v * WIDTH;
    const Vector scale = load(p.column_scales + at), keep = p.keep ? load(p.keep + at) : all(1);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < LINES_AT_ONCE; ++r) {
      float* out = p.out + (line + r) * p.out_stride + at;
      const Vector before = p.bias ? all(p.bias[line + r]) : load(out) * keep;
      store(out, before + Arithmetic::result(sums[r][v]) * (scale * p.line_scales[line + r]));
    }
  }
}

template <class Arithmetic>
static void product(const Product& p) {
  for (std::size_t line = 0; line < lines; line += LINES_AT_ONCE)
    for (std::size_t column = 0; column < columns; column += columns_at_once) product_part<Arithmetic>(p, line, column);
}

// Adding 1.5 * 2^23 leaves the rounded value in the low half of the bits.
static void pack(const float* in, std::size_t stride, std::size_t k, const float* factors, float* words,
                 std::size_t words_stride) {
  const Vector magic = all(12582912.0f);
  for (std::size_t at = 0; at < columns; at += WIDTH) {
    const Vector factor = load(factors + at);
    for (std::size_t i = 0; i < k; i += 2) {
      const Integers low = (Integers)(load(in + i * stride + at) * factor + magic);
      const Vector next = i + 1 < k ? load(in + (i + 1) * stride + at) : Vector{};
      const Integers high = (Integers)(next * factor + magic);
      store(words + i / 2 * words_stride + at, (Vector)((low & 0xffff) | (high << 16)));
    }
  }
}

static void squares(const float* in, std::size_t stride, std::size_t k, float* largest) {
  for (std::size_t at = 0; at < columns; at += WIDTH) {
    Vector sum{}, other{};
    std::size_t i = 0;
    for (; i + 2 <= k; i += 2) {
      const Vector x = load(in + i * stride + at), y = load(in + (i + 1) * stride + at);
      sum += x * x, other += y * y;
    }
    if (i < k) sum += load(in + i * stride + at) * load(in + i * stride + at);
    store(largest + at, larger(sum + other, load(largest + at)));
  }
}

static inline Vector root(Vector x) {
  for (std::size_t i = 0; i < WIDTH; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

static void normalise(const float* in, std::size_t stride, std::size_t k, const float* gamma, const float* beta,
                      float* out, std::size_t out_stride) {
  const float share = 1.0f / static_cast<float>(k);
  for (std::size_t at = 0; at < columns; at += WIDTH) {
    Vector sum{}, squared{};
    for (std::size_t i = 0; i < k; ++i) sum += load(in + i * stride + at);
    const Vector mean = sum * share;
    for (std::size_t i = 0; i < k; ++i) {
      const Vector x = load(in + i * stride + at) - mean;
      squared += x * x;
    }
    const Vector rate = 1.0f / root(squared * share + 1e-5f);
    for (std::size_t i = 0; i < k; ++i)
      store(out + i * out_stride + at, (load(in + i * stride + at) - mean) * (rate * gamma[i]) + beta[i]);
  }
}

// 2^n * 2^r, r of |r| <= 1/2 from the Taylor polynomial of degree 6.
static inline Vector power_of_two(Vector x) {
  x = larger(x, all(-126.0f));
  const Vector magic = all(12582912.0f), shifted = x + magic, r = x - (shifted - magic);
  Vector p = all(1.5403530e-4f);
  p = p * r + 1.3333558e-3f;
  p = p * r + 9.6181291e-3f;
  p = p * r + 5.5504109e-2f;
  p = p * r + 2.4022651e-1f;
  p = p * r + 6.9314718e-1f;
  p = p * r + 1.0f;
  return (Vector)((Integers)p + ((Integers)shifted << 23));
}

static void soften(float* scores, std::size_t keys, Softmax& softmax) {
  for (std::size_t at = 0; at < columns; at += WIDTH) {
    float* column = scores + at;
    Vector largest = load(column), other = largest;
    std::size_t i = 0;
    for (; i + 2 <= keys; i += 2) {
      largest = larger(load(column + i * columns), largest);
      other = larger(load(column + (i + 1) * columns), other);
    }
    if (i < keys) largest = larger(load(column + i * columns), largest);
    largest = larger(largest, other);
    Vector sum{};
    for (i = 0; i < keys; ++i) {
      const Vector p = power_of_two(load(column + i * columns) - largest);
      store(column + i * columns, p);
      sum += p;
    }
    const Vector before = load(softmax.maxima + at), now = larger(before, largest);
    const Vector keep = power_of_two(before - now), fresh = power_of_two(largest - now);
    store(softmax.maxima + at, now);
    store(softmax.sums + at, load(softmax.sums + at) * keep + sum * fresh);
    store(softmax.keep + at, keep);
    store(softmax.fresh + at, fresh);
    store(softmax.part + at, sum);
  }
}

extern const Table functions;
const Table functions{
    LEVEL, block,   sums,      dot,   gelu, gate, add_gated, affine, product<SinglePrecision>, product<FixedPoint>,
    pack,  squares, normalise, soften};
