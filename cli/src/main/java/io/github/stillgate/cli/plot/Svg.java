package io.github.stillgate.cli.plot;

import io.github.stillgate.core.weights.NewFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/** An SVG under construction, on white. Text is written as text. Use by one thread. */
final class Svg {
  private final StringBuilder svg = new StringBuilder();

  /** An empty picture with a title. */
  Svg(int width, int height, String title) {
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"", width, height);
    add(" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", width, height);
    add("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", width, height);
    add("<text x=\"10\" y=\"24\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", text(title));
  }

  /** Adds an element; its texts go through {@link #text} before. */
  void add(String format, Object... arguments) {
    svg.append(String.format(Locale.ROOT, format, arguments));
  }

  /** Safe in XML, in which control characters are not allowed at all. */
  static String text(String text) {
    StringBuilder safe = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '&' -> safe.append("&amp;");
            case '<' -> safe.append("&lt;");
            case '>' -> safe.append("&gt;");
            default -> {
              boolean allowed =
                  c >= 0x20
                      && Character.getType(c) != Character.SURROGATE
                      && c != 0xfffe
                      && c != 0xffff;
              safe.appendCodePoint(allowed ? c : 0xfffd);
            }
          }
        });
    return safe.toString();
  }

  /**
   * Ends the picture and writes it, whole or not at all.
   *
   * @throws IOException if the file cannot be written
   */
  void save(Path file) throws IOException {
    NewFile.at(file).write(out -> out.write(toString().getBytes(StandardCharsets.UTF_8)));
  }

  /** The picture as it is, ended. */
  @Override
  public String toString() {
    return svg + "</svg>\n";
  }
}
