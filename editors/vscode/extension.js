// Starts `cij lsp` and hands it to the client of VS Code. Everything else is in the server.

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function activate(context) {
  const command = vscode.workspace.getConfiguration("cij").get("command");
  client = new LanguageClient(
    "cij",
    "cij",
    { command, args: ["lsp"] },
    { documentSelector: [{ scheme: "file", language: "journey" }] },
  );
  context.subscriptions.push({ dispose: () => deactivate() });
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `cij: \`${command} lsp\` did not start. Install it with: pip install "cij[lsp]", or set cij.command. (${error.message})`,
    );
  }
}

function deactivate() {
  const running = client;
  client = undefined;
  return running ? running.stop() : undefined;
}

module.exports = { activate, deactivate };
