package io.github.stillgate.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.plan.Backends.Entry;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is said when plans do not run on the fastest backend there is. */
class BackendsTest {
  private static final Entry NATIVE_DENIED =
      new Entry("native", Optional.empty(), "native access is denied", "add the flag");
  private static final Entry VECTOR_MISSING =
      new Entry("vector", Optional.empty(), "the module is not loaded", "add the module");
  private static final Entry VECTOR = new Entry("vector", Optional.of("256-bit"), "", "");
  private static final Entry REFERENCE = new Entry("reference", Optional.of("scalar"), "", "");

  @Test
  void nothingIsSaidOfTheFastestThatWasFound() {
    assertThat(Backends.fallBack(List.of(VECTOR, REFERENCE))).isEmpty();
    assertThat(Backends.fallBack(List.of(REFERENCE))).isEmpty();
    assertThat(Backends.fallBack(List.of(VECTOR, NATIVE_DENIED, REFERENCE))).isEmpty();
  }

  @Test
  void aFallBackNamesEachReasonWithItsCure() {
    assertThat(Backends.fallBack(List.of(NATIVE_DENIED, VECTOR_MISSING, REFERENCE)))
        .hasValueSatisfying(said ->
            assertThat(said)
                .contains(
                    "slower backend reference",
                    "native: native access is denied; add the flag",
                    "vector: the module is not loaded; add the module"));
    assertThat(Backends.fallBack(List.of(NATIVE_DENIED, VECTOR, REFERENCE)))
        .hasValueSatisfying(said -> assertThat(said).contains("slower backend vector"));
  }

  @Test
  void aNameInAnotherCaseIsRecognised() {
    assertThatExceptionOfType(BackendUnavailableException.class)
        .isThrownBy(() -> Backends.require("Reference"))
        .withMessageContainingAll("no backend \"Reference\"", "lower case: \"reference\"");
  }

  /** core alone knows no library that could be one. */
  @Test
  void aBlasThatIsNotThereIsRefusedWithTheCure() {
    assertThatExceptionOfType(BackendUnavailableException.class)
        .isThrownBy(() -> Plan.compile(TestModels.gru(5, 8, 1), PlanOptions.defaults().withBlas()))
        .withMessageContainingAll("BLAS", "stillgate-kernels-native", "PlanOptions.withBlas");
  }
}
