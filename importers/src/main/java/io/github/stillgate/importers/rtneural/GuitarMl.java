package io.github.stillgate.importers.rtneural;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What GuitarML's training writes (Automated-GuitarAmpModelling, Proteus): a recurrent module
 * {@code rec} and a linear one {@code lin}. With {@code skip} k the first k values of the input are
 * added to the output.
 */
final class GuitarMl {
  private static final Set<String> FIELDS =
      Set.of(
          "model",
          "input_size",
          "skip",
          "output_size",
          "unit_type",
          "num_layers",
          "hidden_size",
          "bias_fl");

  private GuitarMl() {}

  static ImportedNetwork network(JsonFile file) {
    JsonNode data = file.root().path("model_data");
    String where = "model_data";
    String unit = file.text(data, "unit_type", where);
    if (!unit.equals("LSTM") && !unit.equals("GRU")) {
      throw file.unsupported(
          "%s: \"unit_type\" is %s; read are LSTM and GRU".formatted(where, unit));
    }
    file.requireKnown(data, FIELDS, where);
    JsonStateDict dict = new JsonStateDict(file, file.root().path("state_dict"));
    if (!dict.names().equals(Set.of("rec", "lin"))) {
      throw file.broken(
          "state_dict has the modules %s, expected rec and lin".formatted(dict.names()));
    }
    List<Layer> layers = new ArrayList<>(dict.layers("rec"));
    require(file, data, "num_layers", layers.size());
    require(file, data, "input_size", layers.getFirst().inputs());
    require(file, data, "hidden_size", layers.getFirst().outputs());
    for (Layer layer : layers) {
      String kind = layer instanceof Lstm ? "LSTM" : "GRU";
      if (!kind.equals(unit)) {
        throw file.broken(
            "%s: \"unit_type\" is %s, but %s has the gates of an %s"
                .formatted(where, unit, layer.name(), kind));
      }
    }
    layers.addAll(dict.layers("lin"));
    require(file, data, "output_size", layers.getLast().outputs());
    int skip = skip(file, data, layers.getFirst().inputs(), layers.getLast().outputs());
    return skip == 0
        ? new ImportedNetwork(new Model(layers), List.of("a step is one sample"))
        : new ImportedNetwork(
            SkipConnection.around(layers, skip),
            List.of("a step is one sample", "the input is added to what the layers give"));
  }

  /** How many values of the input are added to the output: {@code lin(rec(x)) + x[0:skip]}. */
  private static int skip(JsonFile file, JsonNode data, int inputs, int outputs) {
    JsonNode skip = data.path("skip");
    if (skip.isMissingNode()) {
      return 0;
    }
    int most = Math.min(inputs, outputs);
    if (!skip.isInt()
        || skip.intValue() < 0
        || skip.intValue() > 1 && skip.intValue() != outputs
        || skip.intValue() > inputs) {
      throw file.broken(
          "model_data: \"skip\" is %s: so many values of %d inputs cannot be added to %d outputs; expected"
                  .formatted(JsonFile.shown(skip), inputs, outputs)
              + " 0, 1%s".formatted(most == outputs && most > 1 ? " or " + most : ""));
    }
    return skip.intValue();
  }

  private static void require(JsonFile file, JsonNode data, String field, int tensors) {
    int said = file.count(data, field, "model_data");
    if (said != tensors) {
      throw file.broken(
          "model_data: \"%s\" is %d, its tensors make it %d".formatted(field, said, tensors));
    }
  }
}
