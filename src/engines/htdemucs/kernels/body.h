// The loops of table.h. Included by one .cc for each kind of processor, inside a namespace of its own.
// WIDTH floats are a vector; CHAINS vectors times six rows of sums fit the registers.

typedef float Vector __attribute__((vector_size(WIDTH * 4)));
typedef float Loose __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
typedef int Integers __attribute__((vector_size(WIDTH * 4)));

static inline Vector load(const float* from) {
  return *reinterpret_cast<const Loose*>(from);
}
static inline void store(float* to, Vector value) {
  *reinterpret_cast<Loose*>(to) = value;
}
static inline Vector all(float value) {
  return Vector{} + value;
}
static inline Vector smaller(Vector a, Vector b) {
  return a < b ? a : b;
}
static inline Vector larger(Vector a, Vector b) {
  return a > b ? a : b;
}

// 2^n * p(r): n the nearest whole number of x / ln 2, p the Taylor polynomial of degree 7 over |r| <= ln 2 / 2.
static inline Vector exponential(Vector x) {
  x = smaller(larger(x, all(-87.0f)), all(88.0f));
  const Vector magic = all(12582912.0f);  // 1.5 * 2^23: rounds what is added to it
  const Vector n = (x * 1.44269504f + magic) - magic;
  const Vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector p = all(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  return p * (Vector)power;  // of the same bits
}

static inline Vector sigmoid(Vector x) {
  return 1.0f / (1.0f + exponential(-x));
}

// x/2 (1 + erf(x/sqrt 2)); Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7.
static inline Vector gelu_of(Vector x) {
  const Vector z = larger(x, -x) * 0.70710678f;
  const Vector t = 1.0f / (1.0f + 0.3275911f * z);
  Vector p = all(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vector tail = p * t * exponential(-(z * z));  // 1 - erf(z)
  return 0.5f * x * (x > 0 ? 2.0f - tail : tail);
}

// Applies `f` to whole vectors, and to what is left over in a buffer.
template <class F>
static inline void sweep(std::size_t count, float* out, F f, const float* a, const float* b, const float* c) {
  std::size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) store(out + i, f(load(a + i), load(b + i), load(c + i)));
  if (i == count) return;
  float la[WIDTH] = {}, lb[WIDTH] = {}, lc[WIDTH] = {}, result[WIDTH];
  for (std::size_t j = i; j < count; ++j) la[j - i] = a[j], lb[j - i] = b[j], lc[j - i] = c[j];
  store(result, f(load(la), load(lb), load(lc)));
  for (std::size_t j = i; j < count; ++j) out[j] = result[j - i];
}

static void block(const float* weights, const float* bias, std::size_t k, const float* const* sources, float* out,
                  std::size_t stride) {
  for (std::size_t first = 0; first < columns; first += CHAINS * WIDTH) {
    Vector sums[rows][CHAINS];
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < CHAINS; ++c) sums[r][c] = all(bias[r]);
    for (std::size_t i = 0; i < k; ++i) {
      const float* source = sources[i] + first;
      Vector x[CHAINS];
      for (std::size_t c = 0; c < CHAINS; ++c) x[c] = load(source + c * WIDTH);
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < CHAINS; ++c) sums[r][c] += weights[i * rows + r] * x[c];
    }
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < CHAINS; ++c) store(out + r * stride + first + c * WIDTH, sums[r][c]);
  }
}

static double total(Vector v) {
  double sum = 0;
  for (std::size_t i = 0; i < WIDTH; ++i) sum += v[i];
  return sum;
}

static void sums(const float* values, std::size_t count, double* sum, double* squares) {
  // In single precision over stretches short enough for it.
  for (std::size_t begin = 0; begin < count; begin += 4096) {
    const std::size_t end = begin + 4096 < count ? begin + 4096 : count;
    Vector s = all(0), q = all(0);
    std::size_t i = begin;
    for (; i + WIDTH <= end; i += WIDTH) {
      const Vector v = load(values + i);
      s += v;
      q += v * v;
    }
    *sum += total(s);
    *squares += total(q);
    for (; i < end; ++i) *sum += values[i], *squares += static_cast<double>(values[i]) * values[i];
  }
}

static double dot(const float* a, const float* b, std::size_t count) {
  double out = 0;
  for (std::size_t begin = 0; begin < count; begin += 4096) {
    const std::size_t end = begin + 4096 < count ? begin + 4096 : count;
    Vector s = all(0), u = all(0);
    std::size_t i = begin;
    for (; i + 2 * WIDTH <= end; i += 2 * WIDTH) {
      s += load(a + i) * load(b + i);
      u += load(a + i + WIDTH) * load(b + i + WIDTH);
    }
    out += total(s + u);
    for (; i < end; ++i) out += static_cast<double>(a[i]) * b[i];
  }
  return out;
}

static void gelu(const float* in, float* out, std::size_t count, float factor, float offset) {
  sweep(
      count, out, [=](Vector x, Vector, Vector) { return gelu_of(x * factor + offset); }, in, in, in);
}

static void gate(const float* a, const float* g, float* out, std::size_t count) {
  sweep(
      count, out, [](Vector x, Vector y, Vector) { return x * sigmoid(y); }, a, g, g);
}

static void add_gated(const float* x, const float* a, const float* g, float scale, float* out, std::size_t count) {
  sweep(
      count, out, [=](Vector base, Vector y, Vector z) { return base + scale * y * sigmoid(z); }, x, a, g);
}

static void affine(const float* x, float* out, std::size_t count, float factor, float offset) {
  sweep(
      count, out, [=](Vector v, Vector, Vector) { return v * factor + offset; }, x, x, x);
}
