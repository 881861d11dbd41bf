package io.github.stillgate.bench.paper;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;

/** Reads the JSON files that trainings leave, and says which is damaged. */
public final class RunFile {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private RunFile() {}

  /**
   * Reads an object.
   *
   * @param cure what to do about a file that is damaged
   * @throws IOException if the file cannot be read, was cut off, or holds something else, NaN
   *     included: Python writes it where a training diverged; the message names the file
   */
  public static JsonNode read(Path file, String cure) throws IOException {
    JsonNode read;
    try {
      read = JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      String message = e.getOriginalMessage();
      boolean notFinite =
          e instanceof JsonParseException && message.matches("(?s)Non-standard token.*");
      throw new IOException(
          "%s: line %d %s; %s"
              .formatted(
                  file,
                  e.getLocation().getLineNr(),
                  notFinite
                      ? "has a number that is not finite: the training diverged"
                      : "is damaged, or the file was cut off (%s)".formatted(message),
                  cure),
          e);
    }
    if (!read.isObject()) {
      throw new IOException("%s: holds no JSON object; %s".formatted(file, cure));
    }
    return read;
  }

  /** What is wrong inside a file, with its name. */
  public static IOException wrong(Path file, String cure, RuntimeException fault) {
    return new IOException("%s: %s; %s".formatted(file, fault.getMessage(), cure), fault);
  }
}
