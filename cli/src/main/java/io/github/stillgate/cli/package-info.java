/** The command line: one class a command, and what they share about streaming a text. */
@NullMarked
package io.github.stillgate.cli;

import org.jspecify.annotations.NullMarked;
