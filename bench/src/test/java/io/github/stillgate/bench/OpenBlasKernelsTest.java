package io.github.stillgate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpenBlasKernelsTest {
  @Test
  void theSameCommandRunsAgainOnItsOwnErrorStream() {
    assertThat(
            OpenBlasKernels.again(
                "java",
                "-Dstillgate.home=a b",
                "-Dstillgate.stderr=3",
                "-Dstillgate.stderr.terminal=true",
                "Launch",
                "kernels"))
        .containsExactly(
            "java",
            "-Dstillgate.home=a b",
            "-Dstillgate.stderr.terminal=true",
            "Launch",
            "kernels");
  }
}
