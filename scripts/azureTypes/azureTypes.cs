#:package Azure.Bicep.Types.Az@0.2.972
#:property PublishAot=false
#:property JsonSerializerIsReflectionEnabledByDefault=true
// Writes local/azure/twoKeyTypes.json: what Azure's own type definitions (Bicep) say of resource types whose keys can be
// listed and regenerated. The stand-in answers by that file and by nothing of src/. A single file on .NET 10:
//
//   dotnet run scripts/azureTypes/azureTypes.cs > local/azure/twoKeyTypes.json && npx biome check --write local/azure/twoKeyTypes.json
//
// It takes about two minutes. What the definitions leave out (whether a call answers 202; actions with a slot in their
// path) is in local/azure/twoKeyExtra.json, each entry with its source.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure.Bicep.Types.Az;
using Azure.Bicep.Types.Concrete;

var loader = new AzTypeLoader();
var index = loader.LoadTypeIndex();
var lists = new Regex("^(list(Admin|Auth|Test)?(Keys|Secrets|Credentials)|listChannelWithKeys|sharedKeys)$", RegexOptions.IgnoreCase);
var regenerates = new Regex("^regenerate", RegexOptions.IgnoreCase);
// Types whose regeneration the definitions leave out, and two that have none.
string[] also = ["Microsoft.EventGrid/topics", "Microsoft.EventGrid/domains", "Microsoft.EventGrid/namespaces",
  "Microsoft.EventGrid/partnerNamespaces", "Microsoft.Search/searchServices", "Microsoft.Devices/IotHubs",
  "Microsoft.Devices/provisioningServices"];
// Their GET says where the children listen and whether keys are switched off.
string[] parents = ["Microsoft.ServiceBus/namespaces", "Microsoft.EventHub/namespaces", "Microsoft.Relay/namespaces",
  "Microsoft.NotificationHubs/namespaces", "Microsoft.Cache/redisEnterprise", "Microsoft.ApiManagement/service"];

var spelt = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
var versionsOf = new Dictionary<string, SortedDictionary<string, Azure.Bicep.Types.CrossFileTypeReference>>(StringComparer.OrdinalIgnoreCase);
foreach (var (name, reference) in index.Resources) {
  var (type, version) = (name.Split('@')[0], name.Split('@')[1]);
  if (version.Contains('-') && Regex.IsMatch(version, "[a-z]")) continue; // previews
  spelt[type] = type;
  if (!versionsOf.TryGetValue(type, out var versions)) versionsOf[type] = versions = [];
  versions[version] = reference;
}

object? Shape(ITypeReference? reference, int depth = 0) => reference?.Type switch {
  StringLiteralType literal => literal.Value,
  StringType => "string",
  BooleanType => "boolean",
  IntegerType => "integer",
  UnionType union => union.Elements.Where(e => e.Type is StringLiteralType).Select(e => ((StringLiteralType)e.Type).Value).ToArray() is { Length: > 0 } values
    ? new SortedDictionary<string, object?> { ["oneOf"] = values } : "string",
  ArrayType array when depth < 3 => new SortedDictionary<string, object?> { ["items"] = Shape(array.ItemType, depth + 1) },
  ObjectType type when depth < 3 => new SortedDictionary<string, object?> {
    ["properties"] = type.Properties.OrderBy(p => p.Key, StringComparer.Ordinal).ToDictionary(p => p.Key, p => Shape(p.Value.Type, depth + 1)),
    ["required"] = type.Properties.Where(p => p.Value.Flags.HasFlag(ObjectTypePropertyFlags.Required)).Select(p => p.Key).Order(StringComparer.Ordinal).ToArray() },
  _ => null,
};

// The scalars of a resource's `properties`: what its GET may show.
SortedDictionary<string, object?>? Scalars(string type) {
  if (!versionsOf.TryGetValue(type, out var versions)) return null;
  if (loader.LoadResourceType(versions.Last().Value).Body.Type is not ObjectType body) return null;
  if (!body.Properties.TryGetValue("properties", out var bag) || bag.Type.Type is not ObjectType properties) return null;
  var found = properties.Properties.Where(p => p.Value.Type.Type is StringType or BooleanType or IntegerType or UnionType
    || p.Value.Type.Type is ArrayType { ItemType.Type: StringType or UnionType });
  var shown = found.Where(p => !Regex.IsMatch(p.Key, "(Key|State|Comment)$")).ToDictionary(p => p.Key, p => Shape(p.Value.Type));
  foreach (var (key, property) in properties.Properties)
    if (!shown.ContainsKey(key) && Hosts(key, property.Type) is { } hosts) shown[key] = hosts;
  return new(shown, StringComparer.Ordinal);
}

// Of a nested member only what names hosts and ports: lists of locations or instances, and dictionaries of endpoints.
object? Hosts(string name, ITypeReference reference) => reference.Type switch {
  ObjectType { AdditionalProperties.Type: StringType } when Regex.IsMatch(name, "endpoints$", RegexOptions.IgnoreCase) =>
    new SortedDictionary<string, object?> { ["each"] = "string" },
  ArrayType { ItemType.Type: ObjectType item } when Named(item) is { Count: > 0 } named =>
    new SortedDictionary<string, object?> { ["items"] = new SortedDictionary<string, object?> { ["properties"] = named, ["required"] = Array.Empty<string>() } },
  ObjectType type when Named(type) is { Count: > 0 } named =>
    new SortedDictionary<string, object?> { ["properties"] = named, ["required"] = Array.Empty<string>() },
  _ => null,
};
SortedDictionary<string, object?> Named(ObjectType type) => new(type.Properties
  .Where(p => Regex.IsMatch(p.Key, "(endpoint|host|hostName|fqdn|sslPort|domainName)$", RegexOptions.IgnoreCase) && p.Value.Type.Type is StringType or IntegerType)
  .ToDictionary(p => p.Key, p => Shape(p.Value.Type)), StringComparer.Ordinal);

var types = new SortedDictionary<string, object?>(StringComparer.Ordinal);
foreach (var (type, byVersion) in index.ResourceFunctions) {
  if (type.StartsWith("microsoft.storage/", StringComparison.OrdinalIgnoreCase)) continue; // has a handler of its own
  var functions = new Dictionary<string, (List<string> Versions, object? Input, object? Output)>();
  foreach (var (version, references) in byVersion.Where(v => !Regex.IsMatch(v.Key, "[a-z]")).OrderBy(v => v.Key, StringComparer.Ordinal))
    foreach (var function in references.Select(r => loader.LoadResourceFunctionType(r)).Where(f => lists.IsMatch(f.Name) || regenerates.IsMatch(f.Name))) {
      var (input, output) = (Shape(function.Input), Shape(function.Output));
      var versions = functions.TryGetValue(function.Name, out var seen) ? seen.Versions : [];
      versions.Add(version);
      functions[function.Name] = (versions, input, output); // the newest version's shape
    }
  var wanted = functions.Keys.Any(lists.IsMatch) && functions.Keys.Any(regenerates.IsMatch);
  if (!wanted && !also.Contains(type, StringComparer.OrdinalIgnoreCase)) continue;
  types[spelt.GetValueOrDefault(type, type)] = new SortedDictionary<string, object?>(StringComparer.Ordinal) {
    ["versions"] = functions.Values.SelectMany(f => f.Versions).Distinct().Order(StringComparer.Ordinal).ToArray(),
    ["functions"] = new SortedDictionary<string, object?>(functions.ToDictionary(f => f.Key, f => (object?)new SortedDictionary<string, object?> {
      ["since"] = f.Value.Versions.First(), ["until"] = f.Value.Versions.Last(), ["input"] = f.Value.Input, ["output"] = f.Value.Output }), StringComparer.Ordinal),
    ["properties"] = Scalars(type),
  };
}
foreach (var type in parents) {
  types.TryAdd(spelt[type], new SortedDictionary<string, object?>(StringComparer.Ordinal) {
    ["versions"] = versionsOf[type].Keys.ToArray(), ["functions"] = new Dictionary<string, object?>(), ["properties"] = Scalars(type) });
}
var page = new SortedDictionary<string, object?>(StringComparer.Ordinal) {
  ["about"] = "Made by scripts/azureTypes/azureTypes.cs from NuGet Azure.Bicep.Types.Az 0.2.972; stable versions only.",
  ["types"] = types,
};
Console.WriteLine(JsonSerializer.Serialize(page, new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
