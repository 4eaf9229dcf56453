// Shows the server's own document. The validator would send it to another host.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followScheme);
followScheme();

// Above the button that would store a lead.
const storesLead = ({ React }) => ({
  wrapComponents: {
    execute: (Execute) => (props) =>
      React.createElement(
        React.Fragment,
        null,
        props.operation.get("operationId") === "sendLead" &&
          React.createElement(
            "p",
            { className: "stores-lead", role: "note" },
            "Execute stores a real lead: staff see it in the inbox, and only an erasure removes it.",
          ),
        React.createElement(Execute, props),
      ),
  },
});

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [storesLead],
});
