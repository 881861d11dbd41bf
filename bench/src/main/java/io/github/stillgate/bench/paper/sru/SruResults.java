package io.github.stillgate.bench.paper.sru;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.bench.paper.RunFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code sru.json} holds. Each part was made by a command of its own, maybe on another day,
 * and may be missing.
 *
 * @param sentences sentence classification
 * @param drqa bidirectional stacks of the shapes of the poster's reader of questions
 * @param computation one layer over a batch of sequences
 * @param characters character models of equal size
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record SruResults(
    @Nullable Sentences sentences,
    @Nullable Times drqa,
    @Nullable Times computation,
    @Nullable Characters characters) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /**
   * Where a part comes from.
   *
   * @param machine CPU, cores and Java version
   * @param date on which it was made
   * @param command that makes it again
   */
  record Origin(String machine, String date, String command) {
    /** This machine, today. */
    static Origin here(String command) {
      return new Origin(Machine.description(), LocalDate.now().toString(), command);
    }
  }

  /**
   * Sentence classification.
   *
   * @param trainer what trained it, in words
   * @param settings what all trainings have in common, as their records say it
   * @param cells one a set and model
   */
  record Sentences(
      Origin origin, String trainer, Map<String, Object> settings, List<SentenceCell> cells) {}

  /**
   * Times of batches of sequences.
   *
   * @param trials how often each batch ran
   * @param lines one a shape and contender
   */
  record Times(Origin origin, int trials, List<TimeLine> lines) {}

  /**
   * One contender on one shape.
   *
   * @param network what runs, such as "SRU 4"
   * @param contender who runs it
   * @param inputs values a step
   * @param units width of a layer and direction
   * @param sequences of a batch
   * @param steps of each
   * @param median milliseconds a batch
   * @param low fastest trial
   * @param high slowest trial
   * @param multiplications of a batch
   * @param weightBytes read by a step of one stream
   */
  record TimeLine(
      String network,
      String contender,
      int inputs,
      int units,
      int sequences,
      int steps,
      double median,
      double low,
      double high,
      long multiplications,
      long weightBytes) {
    /** Billions of floating point operations a second, in the middle trial. */
    double gigaflops() {
      return 2 * multiplications / median / 1e6;
    }
  }

  /**
   * Character models.
   *
   * @param characters of the test text that each was scored on
   * @param rows one a network
   */
  record Characters(Origin origin, int characters, List<CharacterRow> rows) {}

  /**
   * One character model.
   *
   * @param label what it is
   * @param parameters how many were trained
   * @param updates of its training
   * @param points its curve
   * @param test bits per character of the exported model on the test text, one stream from zero
   */
  record CharacterRow(
      String label, long parameters, int updates, List<CharacterPoint> points, double test) {}

  /**
   * A validation of a character model.
   *
   * @param update updates done
   * @param training bits per character since the point before
   * @param validation bits per character
   */
  record CharacterPoint(int update, double training, double validation) {}

  /** What {@code file} holds; nothing if it is not there. */
  static SruResults read(Path file) throws IOException {
    return Files.exists(file)
        ? JSON.treeToValue(
            RunFile.read(file, "remove it and make its parts again"), SruResults.class)
        : new SruResults(null, null, null, null);
  }

  /** Writes {@code file}. */
  void write(Path file) throws IOException {
    JSON.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), this);
  }

  SruResults with(Sentences made) {
    return new SruResults(made, drqa, computation, characters);
  }

  SruResults withDrqa(Times made) {
    return new SruResults(sentences, made, computation, characters);
  }

  SruResults withComputation(Times made) {
    return new SruResults(sentences, drqa, made, characters);
  }

  SruResults with(Characters made) {
    return new SruResults(sentences, drqa, computation, made);
  }
}
