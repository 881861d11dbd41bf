package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Another native library leaves the floating-point control register of the thread changed. */
class ThreadArithmeticTest {
  private static final boolean ARM = Platform.current().architecture().equals("aarch64");

  private MethodHandle get;
  private MethodHandle set;

  @BeforeEach
  void open() throws IOException {
    assumeTrue(new NativeBackend().availability().isUsable(), "the native backend cannot run");
    SymbolLookup symbols =
        SymbolLookup.libraryLookup(Path.of(BuiltLibrary.path("float_control")), Arena.global());
    Linker linker = Linker.nativeLinker();
    get =
        linker.downcallHandle(symbols.findOrThrow("get_control"), FunctionDescriptor.of(JAVA_LONG));
    set =
        linker.downcallHandle(
            symbols.findOrThrow("set_control"), FunctionDescriptor.ofVoid(JAVA_LONG));
  }

  /** What is said while {@code bits} are set besides those that the thread has. */
  private List<String> with(long bits) throws Throwable {
    long control = (long) get.invokeExact();
    long changed = control | bits;
    List<String> said;
    try {
      set.invokeExact(changed);
      said = NativeBackend.threadDeviations();
    } finally {
      set.invokeExact(control);
    }
    return said;
  }

  @Test
  void aThreadOfTheJvmHasNone() throws Throwable {
    assertThat(with(0)).isEmpty();
    assertThat(NativeBackend.threadFlushesDenormals()).isFalse();
  }

  @Test
  void stickyFlagsAreNoDeviation() throws Throwable {
    assumeTrue(!ARM, "they stand in a register of their own");
    assertThat(with(0x3f)).isEmpty();
  }

  @Test
  void flushingIsToldApart() throws Throwable {
    if (ARM) {
      assertThat(with(1L << 24)).hasSize(2);
      return;
    }
    assertThat(with(0x8000)).singleElement().asString().contains("FTZ");
    assertThat(with(0x40)).singleElement().asString().contains("DAZ");
    assertThat(with(0x8040)).hasSize(2);
  }

  @Test
  void everyRoundingModeIsNamed() throws Throwable {
    int at = ARM ? 22 : 13;
    String down = "results are rounded down";
    String up = "results are rounded up";
    assertThat(with(1L << at)).containsExactly(ARM ? up : down);
    assertThat(with(2L << at)).containsExactly(ARM ? down : up);
    assertThat(with(3L << at)).containsExactly("results are rounded towards zero");
  }
}
