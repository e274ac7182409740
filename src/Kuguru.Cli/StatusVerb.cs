using System.CommandLine;
using System.Text;
using System.Text.Json;
using Kuguru.Daemon.Vici;
using Spectre.Console;

namespace Kuguru.Cli;

/// <summary><c>kuguru status</c>: every SA, where the NAT is, and which endpoint the peer has now.</summary>
static class StatusVerb
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "Print all that the daemon tells, as JSON" };
        var watch = new Option<bool>("--watch", "-w") { Description = "Keep the table current until Ctrl-C" };
        var verb = new Command("status", "Show the tunnels: state, NAT, the peer's endpoint, traffic") { json, watch };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(watch))
                result.AddError("--json and --watch exclude each other");
        });
        verb.Action(Door.Vici(), (parsed, client, cancel) => parsed.GetValue(json) ? Json(client, cancel)
            : parsed.GetValue(watch) ? Watch(client, cancel) : Print(client, cancel));
        return verb;
    }

    static async Task<int> Print(ViciClient client, CancellationToken cancel)
    {
        AnsiConsole.Write(Table(await Sa.List(client, cancel)));
        // Only Kuguru tells; charon has no such section.
        if ((await client.Call("stats", cancel: cancel)).Section("drops") is { Count: > 0 } drops)
            AnsiConsole.WriteLine("dropped: " + string.Join(", ", drops.OfType<ViciElement.Value>().Select(drop => $"{drop.Text} {drop.Name}")));
        return Exit.Done;
    }

    static async Task<int> Watch(ViciClient client, CancellationToken cancel)
    {
        await AnsiConsole.Live(Table(await Sa.List(client, cancel))).StartAsync(async screen =>
        {
            while (!cancel.IsCancellationRequested)
            {
                screen.UpdateTarget(Table(await Sa.List(client, cancel)));
                await Task.Delay(Pause, cancel);
            }
        });
        return Exit.Done;
    }

    static async Task<int> Json(ViciClient client, CancellationToken cancel)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var sa in await client.Stream("list-sas", "list-sa", cancel))
            {
                json.WriteStartObject();
                json.WriteString("name", sa.Name);
                Write(json, sa.Body);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        Console.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
        return Exit.Done;
    }

    static void Write(Utf8JsonWriter json, ViciMessage message)
    {
        foreach (var element in message)
        {
            json.WritePropertyName(element.Name);
            switch (element)
            {
                case ViciElement.Value value:
                    json.WriteStringValue(value.Text);
                    break;
                case ViciElement.List list:
                    json.WriteStartArray();
                    foreach (var text in list.Texts)
                        json.WriteStringValue(text);
                    json.WriteEndArray();
                    break;
                case ViciElement.Section section:
                    json.WriteStartObject();
                    Write(json, section.Body);
                    json.WriteEndObject();
                    break;
            }
        }
    }

    internal static Table Table(IReadOnlyList<Sa> sas)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var head in new[] { "tunnel", "state", "NAT", "peer", "inside", "in / out" })
            table.AddColumn(head);
        foreach (var sa in sas)
        {
            table.AddRow(new Text($"{sa.Name} #{sa.Id}"), new Text(sa.State.ToLowerInvariant()), new Text(sa.Nat),
                new Text($"{sa.Remote}\n{sa.RemoteId}"), new Text(string.Join('\n', [.. sa.LocalVirtual, .. sa.RemoteVirtual])), new Text(""));
            foreach (var child in sa.Children)
            {
                table.AddRow(new Text($"  {child.Name}"), new Text(child.State.ToLowerInvariant()),
                    new Text((child.IsEncapsulated ? "in UDP" : child.Protocol) + (child.Mode == "TRANSPORT" ? "\ntransport" : "")), new Text(child.Suite),
                    new Text(string.Join('\n', [$"{string.Join(' ', child.LocalSelectors)} = {string.Join(' ', child.RemoteSelectors)}", .. child.StandIns])),
                    new Text($"{Size(child.BytesIn)} / {Size(child.BytesOut)}"));
            }
        }
        if (sas.Count == 0)
            table.AddRow("no tunnel is up");
        return table;
    }

    static string Size(ulong octets) => octets switch
    {
        < 10_000 => $"{octets} B",
        < 10_000_000 => $"{octets / 1000} kB",
        < 10_000_000_000 => $"{octets / 1_000_000} MB",
        _ => $"{octets / 1_000_000_000} GB",
    };
}
