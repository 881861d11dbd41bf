package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(
            new UncheckedIOException(new AccessDeniedException("cases/locked")),
            "cases/locked: permission denied"),
        Arguments.of(new NoSuchFileException("a"), "a: no such file"),
        Arguments.of(new NotDirectoryException("a"), "a: is not a folder"),
        Arguments.of(new FileSystemException("a", null, "Is a directory"), "a: is a directory"),
        Arguments.of(new FileSystemException("a"), "a: cannot be used"),
        Arguments.of(
            new FileNotFoundException("a (b) (No such file or directory)"),
            "a (b): no such file or directory"),
        Arguments.of(new IOException("No space left on device"), "no space left on the device"),
        Arguments.of(new MalformedInputException(3), "is not valid UTF-8"),
        Arguments.of(new IllegalArgumentException("ours"), "ours"),
        Arguments.of(new IllegalArgumentException("\u001b[2J\nb"), "\\u001b[2J\\nb"),
        Arguments.of(
            new InternalError("a fault occurred in an unsafe memory access operation"),
            "a file became shorter while it was read, or its disk failed; run the command again"
                + " when nothing writes to it"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void areOneLineOfOurs(Throwable failure, String message) {
    assertThat(Failures.message(failure)).isEqualTo(message);
  }

  @Test
  void namesNoLibrary() {
    try {
      JsonMapper.builder().build().readTree("{\"a\": nonsense}");
    } catch (JsonProcessingException e) {
      assertThat(Failures.message(e)).isEqualTo("this is not valid JSON: line 1, column 7");
    }
    for (Throwable bug :
        List.of(
            new NullPointerException("because \"array\" is null"),
            new ArrayIndexOutOfBoundsException("Index 3"),
            new IllegalStateException())) {
      assertThat(Failures.message(bug)).startsWith("this is a bug in Stillgate");
    }
    assertThat(Failures.message(new StackOverflowError())).contains("STILLGATE_JAVA_ARGS=-Xss");
    assertThat(Failures.message(new NoClassDefFoundError("a/B"))).contains("build is incomplete");
  }

  @Test
  void showStackTracesWhenAskedTo() {
    List<String> lines = new ArrayList<>();
    assertThat(Failures.report(new IOException("a"), lines::add, false)).isEqualTo(1);
    assertThat(lines).containsExactly("stillgate: a");
    Failures.report(new IOException("a"), lines::add, true);
    assertThat(lines).hasSizeGreaterThan(4).anyMatch(line -> line.contains("FailuresTest"));
  }
}
