package io.github.stillgate.training;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code pytorch/digits.py} passes its own tests. */
class SpokenDigitsTest {
  @TempDir private Path folder;

  @Test
  void theProgramsPassTheirOwnTests() throws Exception {
    PythonPrograms programs = new PythonPrograms(folder.resolve("python.log"));
    programs.run("-m", "unittest", "test_digits");
  }
}
