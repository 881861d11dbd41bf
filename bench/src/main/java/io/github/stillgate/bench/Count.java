package io.github.stillgate.bench;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an option that counts something: a whole number from 1. */
public final class Count implements ITypeConverter<Integer> {
  /** For picocli. */
  public Count() {}

  @Override
  public Integer convert(String value) {
    try {
      int count = Integer.parseInt(value);
      if (count >= 1) {
        return count;
      }
    } catch (NumberFormatException none) {
      throw refused(value, none);
    }
    throw refused(value, null);
  }

  private static TypeConversionException refused(String value, Throwable cause) {
    TypeConversionException refused =
        new TypeConversionException("'%s' is no whole number from 1 on".formatted(value));
    refused.initCause(cause);
    return refused;
  }
}
