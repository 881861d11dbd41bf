/** Neural Amp Modeler's {@code .nam} files. */
@NullMarked
package io.github.stillgate.importers.nam;

import org.jspecify.annotations.NullMarked;
