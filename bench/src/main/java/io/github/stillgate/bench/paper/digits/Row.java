package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One network in one format over the held-out speakers of all folds.
 *
 * @param network LAYERSxUNITS
 * @param parameters of the network
 * @param folds that are scored
 * @param variant format of the weights
 * @param peer whether it ran in ONNX Runtime
 * @param score over all folds
 * @param lost words that float32 spots and this does not
 * @param gained words that this spots and float32 does not
 * @param trainer share of the words that its trainers spot, over all folds
 * @param gap largest difference of the share from the trainer's in a fold
 * @param speech what frames within words read and moved; null of ONNX Runtime
 * @param silence the same of all other frames
 */
record Row(
    String network,
    int parameters,
    int folds,
    String variant,
    @JsonProperty("onnxruntime") boolean peer,
    Score score,
    @JsonProperty("words_lost") int lost,
    @JsonProperty("words_gained") int gained,
    @JsonProperty("trainer_accuracy") double trainer,
    @JsonProperty("largest_gap_to_trainer") double gap,
    @Nullable Traffic speech,
    @Nullable Traffic silence) {
  /** Scores one network in every variant, and in ONNX Runtime if it is here. */
  static List<Row> of(List<Trained> folds) throws IOException {
    Map<String, Row> rows = new LinkedHashMap<>();
    for (Trained fold : folds) {
      Model model = fold.model();
      TestStream stream = fold.stream();
      boolean[] compared = new boolean[0];
      for (Variant variant : Variant.all()) {
        try (Spotter spotter = new OwnSpotter(model, variant, Optional.empty())) {
          Evaluation found = Evaluation.of(spotter, stream, fold.decoder());
          compared = compared.length == 0 ? found.hits() : compared;
          Row row = of(fold, variant.name(), false, found, compared);
          rows.merge(variant.name(), row, Row::plus);
        }
      }
      Optional<Spotter> peer = Spotter.peer(model);
      if (peer.isPresent()) {
        try (Spotter spotter = peer.get()) {
          Evaluation found = Evaluation.of(spotter, stream, fold.decoder());
          Row row = of(fold, spotter.variant(), true, found, compared);
          rows.merge(Spotter.PEER, row, Row::plus);
        }
      }
    }
    return new ArrayList<>(rows.values());
  }

  private static Row of(
      Trained fold, String variant, boolean peer, Evaluation found, boolean[] compared) {
    int lost = 0;
    int gained = 0;
    for (int word = 0; word < compared.length; word++) {
      lost += compared[word] && !found.hits()[word] ? 1 : 0;
      gained += !compared[word] && found.hits()[word] ? 1 : 0;
    }
    return new Row(
        fold.name(),
        fold.parameters(),
        1,
        variant,
        peer,
        found.score(),
        lost,
        gained,
        fold.accuracy(),
        Math.abs(found.score().accuracy() - fold.accuracy()),
        found.speech(),
        found.silence());
  }

  /** Both folds; shares are weighed by words. */
  private Row plus(Row other) {
    Score both = score.plus(other.score);
    return new Row(
        network,
        parameters,
        folds + other.folds,
        variant,
        peer,
        both,
        lost + other.lost,
        gained + other.gained,
        (trainer * score.words() + other.trainer * other.score.words()) / both.words(),
        Math.max(gap, other.gap),
        speech == null || other.speech == null ? null : speech.plus(other.speech),
        silence == null || other.silence == null ? null : silence.plus(other.silence));
  }

  /**
   * Standard error of the difference of this accuracy from float32's, were the words drawn anew:
   * only words that one of the two spots alone count.
   */
  @JsonProperty("standard_error")
  double error() {
    return Math.sqrt(lost + gained) / score.words();
  }

  /** Weight bytes of a mean frame of audio of which so much is speech. */
  double bytesAFrame(double share) {
    return speech == null || silence == null
        ? Double.NaN
        : share * speech.bytesAFrame() + (1 - share) * silence.bytesAFrame();
  }
}
