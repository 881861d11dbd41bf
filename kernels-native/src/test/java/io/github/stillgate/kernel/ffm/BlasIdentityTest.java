package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.kernel.ffm.BlasIdentity.Kind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Small libraries with the functions of the real ones, some under another's file name. */
class BlasIdentityTest {
  private static final Set<String> AVX2 = Set.of("sse2", "avx", "avx2", "fma");
  private static final Set<String> AVX512 =
      Set.of("sse2", "avx", "avx2", "fma", "avx512f", "avx512bw");
  private static final String PRODUCTS =
      """
      void cblas_sgemv(int order, int t, int m, int n, float alpha, const float *a, int lda,
                       const float *x, int incx, float beta, float *y, int incy) {
        for (int i = 0; i < m; i++) {
          y[i] = 0;
          for (int k = 0; k < n; k++) y[i] += a[i * lda + k] * x[k];
        }
      }
      void cblas_sgemm(void) {}
      """;

  @TempDir private Path folder;

  @Test
  void aLibraryIsToldByItsFunctionsAndNotByItsName() throws Exception {
    BlasIdentity plain =
        identity("libopenblas.so.0", PRODUCTS + "int CBLAS_CallFromC = 0; int RowMajorStrg = 0;");
    assertThat(plain.kind()).isEqualTo(Kind.REFERENCE);
    assertThat(plain.name()).isEqualTo("reference BLAS");
    assertThat(plain.threads()).isEqualTo(1);

    BlasIdentity nobody = identity("libopenblas.so", PRODUCTS);
    assertThat(nobody.kind()).isEqualTo(Kind.UNKNOWN);
    assertThat(nobody.threads()).isNull();
  }

  @Test
  void openBlasGivesVersionCoreAndThreads() throws Exception {
    BlasIdentity found =
        identity(
            "libblas.so.3",
            PRODUCTS
                + """
                static int threads = 64;
                const char *openblas_get_config(void) {
                  return "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64";
                }
                const char *openblas_get_corename(void) { return "Zen"; }
                void openblas_set_num_threads(int n) { threads = n; }
                int openblas_get_num_threads(void) { return threads; }
                """);
    Path file = folder.resolve("libblas.so.3").toRealPath();
    assertThat(found)
        .isEqualTo(new BlasIdentity(Kind.OPENBLAS, "0.3.21", "Zen", 1, file.toString()));
    assertThat(found).hasToString("OpenBLAS 0.3.21, kernels for Zen, 1 thread, " + file);
  }

  @Test
  void mklGivesVersionProcessorAndThreads() throws Exception {
    BlasIdentity found =
        identity(
            "libmkl_rt.so.2",
            PRODUCTS
                + """
                static int threads = 64;
                typedef struct { int major, minor, update; const char *s, *b, *processor, *platform; } V;
                void MKL_Get_Version(V *v) {
                  v->major = 2025; v->minor = 0; v->update = 1; v->s = "Product"; v->b = "2024";
                  v->processor = "Intel(R) Advanced Vector Extensions 2 (Intel(R) AVX2) enabled processors";
                  v->platform = "";
                }
                void MKL_Set_Num_Threads(int n) { threads = n; }
                int MKL_Get_Max_Threads(void) { return threads; }
                """);
    assertThat(found.name()).isEqualTo("Intel MKL 2025.0.1");
    assertThat(found.core()).isEqualTo("Intel Advanced Vector Extensions 2 (Intel AVX2)");
    assertThat(found.threads()).isEqualTo(1);
    assertThat(found.isFarBelow(AVX2)).isFalse();
  }

  @Test
  void blisGivesVersionCoreAndThreads() throws Exception {
    BlasIdentity found =
        identity(
            "libblis.so.4",
            PRODUCTS
                + """
                static long threads = -1;
                const char *bli_info_get_version_str(void) { return "0.9.0"; }
                int bli_arch_query_id(void) { return 3; }
                const char *bli_arch_string(int id) { return id == 3 ? "zen3" : "no"; }
                void bli_thread_set_num_threads(long n) { threads = n; }
                long bli_thread_get_num_threads(void) { return threads; }
                """);
    assertThat(found.name()).isEqualTo("BLIS 0.9.0");
    assertThat(found.core()).isEqualTo("zen3");
    assertThat(found.threads()).isEqualTo(1);
  }

  @Test
  void aLibraryWithoutProductsIsRefusedByName() throws Exception {
    Path library = compile("libblas.so.3", "int RowMajorStrg = 0;");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Blas.open(library.toString()))
        .withMessageContaining("libblas.so.3 is not a BLAS")
        .withMessageContaining("cblas_sgemv");
  }

  @Test
  void itsProductIsUsed() throws Exception {
    Blas blas = Blas.open(compile("libplain.so", PRODUCTS).toString());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment y = arena.allocate(JAVA_FLOAT, 2);
      blas.sgemv(
          2,
          2,
          arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4),
          arena.allocateFrom(JAVA_FLOAT, 5, 6),
          y);
      assertThat(y.toArray(JAVA_FLOAT)).containsExactly(17, 39);
    }
  }

  @Test
  void anOpenBlasThatDoesNotKnowTheCpuIsGivenKernels() {
    BlasIdentity blind = new BlasIdentity(Kind.OPENBLAS, "0.3.21", "Prescott", 1, null);
    assertThat(blind.betterCore(AVX512)).contains("SkylakeX");
    assertThat(blind.betterCore(AVX2)).contains("Haswell");
    assertThat(blind.betterCore(Set.of("sse2"))).isEmpty();
    assertThat(new BlasIdentity(Kind.OPENBLAS, "0.3.21", "Zen", 1, null).betterCore(AVX512))
        .as("half as wide is a baseline")
        .isEmpty();
    assertThat(new BlasIdentity(Kind.MKL, "2025.0", "SSE4.2", 1, null).betterCore(AVX512))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "Prescott, true, true",
    "Nehalem, true, true",
    "GENERIC, true, true",
    "SANDYBRIDGE, true, true",
    "Zen, false, true",
    "Haswell, false, true",
    "SkylakeX, false, false",
    "Cooperlake, false, false",
    "NEOVERSEN1, false, false"
  })
  void kernelsBelowTheCpuAreSaid(String core, boolean far, boolean belowAvx512) {
    BlasIdentity identity = new BlasIdentity(Kind.OPENBLAS, "0.3.21", core, 1, null);
    assertThat(identity.isFarBelow(AVX2)).isEqualTo(far);
    assertThat(identity.isFarBelow(AVX512)).isEqualTo(far);
    assertThat(identity.isFarBelow(Set.of())).isFalse();
    assertThat(identity.narrowness(AVX2).isPresent()).isEqualTo(far);
    assertThat(identity.narrowness(AVX512).isPresent()).isEqualTo(belowAvx512);
    assertThat(identity.narrowness(Set.of())).isEmpty();
    assertThat(identity.narrowness(AVX512).orElse(core)).contains(core);
  }

  @ParameterizedTest
  @CsvSource({
    "OpenBLAS 0.3.29 DYNAMIC_ARCH Zen MAX_THREADS=64, 0.3.29",
    "NO_LAPACK NO_LAPACKE DYNAMIC_ARCH,",
    "OpenBLAS,"
  })
  void theVersionIsTheWordBehindTheName(String config, String version) {
    assertThat(BlasProbe.openBlasVersion(config)).isEqualTo(version);
  }

  private BlasIdentity identity(String file, String source) throws Exception {
    return Blas.open(compile(file, source).toString()).identity();
  }

  private Path compile(String file, String source) throws IOException, InterruptedException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "libraries are made with Linux's cc");
    Path c = Files.writeString(folder.resolve("blas.c"), source);
    Path library = folder.resolve(file);
    Process cc;
    try {
      cc =
          new ProcessBuilder("cc", "-shared", "-fPIC", c.toString(), "-o", library.toString())
              .inheritIO()
              .start();
    } catch (IOException absent) {
      assumeTrue(false, "no C compiler: " + absent.getMessage());
      throw absent;
    }
    assertThat(cc.waitFor()).isZero();
    return library;
  }
}
