package io.github.stillgate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Writes results for people (aligned tables) and for machines (JSON). Digits are ASCII in every
 * locale, and what comes from a file is shown escaped.
 */
final class Output {
  private static final Pattern NUMBER = Pattern.compile("[0-9.,]+");

  private final PrintWriter out;

  Output(PrintWriter out) {
    this.out = out;
  }

  /** One line; line ends within arguments are escaped, those of {@code format} are not. */
  void line(String format, Object... arguments) {
    out.println(
        String.format(Locale.ROOT, format, Arrays.stream(arguments).map(Output::shown).toArray()));
  }

  /** Lines of our own text, with whatever names are in them. */
  void lines(String text) {
    out.println(Escaped.lines(text));
  }

  private static Object shown(Object argument) {
    return argument instanceof Number || argument instanceof Boolean
        ? argument
        : Escaped.of(String.valueOf(argument));
  }

  void json(Object value) {
    try {
      // Jackson escapes some control characters; outside of strings there is none but line ends.
      out.println(
          Escaped.lines(
              JsonMapper.builder()
                  .build()
                  .writerWithDefaultPrettyPrinter()
                  .writeValueAsString(value)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a result could not be written as JSON", e);
    }
  }

  /** Columns as wide as their widest cell; those of nothing but numbers flush right. */
  void table(List<String> head, List<List<String>> cells) {
    List<List<String>> rows =
        cells.stream().map(row -> row.stream().map(Escaped::of).toList()).toList();
    int columns = head.size();
    int[] widths = new int[columns];
    boolean[] numbers = new boolean[columns];
    for (int column = 0; column < columns; column++) {
      int at = column;
      widths[column] =
          Math.max(
              head.get(at).length(),
              rows.stream().mapToInt(row -> row.get(at).length()).max().orElse(0));
      numbers[column] =
          rows.stream().map(row -> row.get(at)).allMatch(c -> c.isEmpty() || isNumber(c));
    }
    row(head, widths, numbers);
    line("%s", "-".repeat(Arrays.stream(widths).sum() + 2 * (columns - 1)));
    for (List<String> row : rows) {
      row(row, widths, numbers);
    }
  }

  private static boolean isNumber(String cell) {
    return NUMBER.matcher(cell).matches();
  }

  private void row(List<String> cells, int[] widths, boolean[] numbers) {
    StringBuilder text = new StringBuilder();
    for (int column = 0; column < widths.length; column++) {
      String pad = " ".repeat(widths[column] - cells.get(column).length());
      text.append(column == 0 ? "" : "  ")
          .append(numbers[column] ? pad + cells.get(column) : cells.get(column) + pad);
    }
    out.println(text.toString().stripTrailing());
  }

  static String percent(double fraction) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * fraction);
  }

  static String percents(double[] fractions) {
    return Arrays.stream(fractions).mapToObj(Output::percent).collect(Collectors.joining(", "));
  }

  static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }
}
