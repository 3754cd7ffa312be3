// Miniflare makes workerd's services by plugins, one for each product.

/** Passes each service that a plugin makes through `change`, which is given the options of the Worker, too. */
export function changeServices({ PLUGINS }, name, change) {
  const plugin = PLUGINS[name];
  const original = plugin.getServices;
  plugin.getServices = async (given) => {
    const services = (await original.call(plugin, given)) ?? [];
    return services.map((service) => change(service, given.options));
  };
}
