package io.github.stillgate.cli;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A short time with its unit: {@code 200us}, {@code 1.5ms}. */
class DurationOption implements ITypeConverter<Duration> {
  private static final Pattern TIME = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ns|us|ms|s)");

  private final int least;

  /** A time above 0. */
  DurationOption() {
    this(1);
  }

  private DurationOption(int least) {
    this.least = least;
  }

  /** A time that may be 0. */
  static final class OrNone extends DurationOption {
    OrNone() {
      super(0);
    }
  }

  @Override
  public Duration convert(String text) {
    Matcher time = TIME.matcher(text);
    if (!time.matches()) {
      throw new TypeConversionException(
          "'%s' is no time; write a number and ns, us, ms or s, such as 200us".formatted(text));
    }
    double nanos =
        Double.parseDouble(time.group(1))
            * switch (time.group(2)) {
              case "ns" -> 1;
              case "us" -> 1e3;
              case "ms" -> 1e6;
              default -> 1e9;
            };
    if (nanos < least) {
      throw new TypeConversionException("'%s' is no time above 0".formatted(text));
    }
    return Duration.ofNanos(Math.round(nanos));
  }
}
