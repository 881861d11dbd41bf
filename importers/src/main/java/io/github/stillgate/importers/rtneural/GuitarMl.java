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
 * {@code rec} and a linear one {@code lin}. With {@code skip} 1 the input is added to the output,
 * which is not supported.
 */
final class GuitarMl {
  private GuitarMl() {}

  static ImportedNetwork network(JsonFile file) {
    JsonNode data = file.root().path("model_data");
    String where = "model_data";
    String unit = file.text(data, "unit_type", where);
    if (!unit.equals("LSTM") && !unit.equals("GRU")) {
      throw file.unsupported(
          "%s: \"unit_type\" is %s; read are LSTM and GRU".formatted(where, unit));
    }
    JsonNode skip = data.path("skip");
    if (!skip.isMissingNode() && !(skip.isInt() && skip.intValue() == 0)) {
      throw file.unsupported(
          ("%s: \"skip\" is %s: the network's input is added to its output, which no chain of layers"
                  + " does. Train with --skip_con 0, or add the input to what the network gives"
                  + " yourself: set \"skip\" to 0 in a copy of the file and convert that")
              .formatted(where, JsonFile.shown(skip)));
    }
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
    return new ImportedNetwork(new Model(layers), List.of("a step is one sample"));
  }

  private static void require(JsonFile file, JsonNode data, String field, int tensors) {
    int said = file.count(data, field, "model_data");
    if (said != tensors) {
      throw file.broken(
          "model_data: \"%s\" is %d, its tensors make it %d".formatted(field, said, tensors));
    }
  }
}
