using System.Text;
using Kuguru.Daemon.Vici;

namespace Kuguru.Daemon.Settings;

/// <summary>One request that loads one section of swanctl.conf; <paramref name="Key"/> is that section's dotted path.</summary>
public sealed record LoadRequest(string Command, string Key, ViciMessage Message);

/// <summary>
/// swanctl.conf as the requests that stock <c>swanctl --load-all</c> makes of it: load-cert,
/// load-key, load-shared, load-authority, load-pool, load-conn. What the keys of a
/// connection mean, the daemon alone decides; its complaints find back to file and line by <see cref="Where"/>.
/// </summary>
public sealed class SwanctlConf
{
    /// <summary>Where the file is when neither --config nor SWANCTL_DIR says otherwise.</summary>
    public const string DefaultPath = "/etc/swanctl/swanctl.conf";

    static readonly string[] KnownSections = ["connections", "secrets", "pools", "authorities"];

    /// <summary>Keys of a connection whose value is a list, comma separated.</summary>
    static readonly HashSet<string> ListKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        "local_addrs", "remote_addrs", "proposals", "esp_proposals", "ah_proposals", "local_ts", "remote_ts", "vips", "pools", "groups", "cert_policy", "crl_uris", "ocsp_uris",
    };

    /// <summary>Keys of a connection whose value is a list of files, and the folder that they are relative to.</summary>
    static readonly Dictionary<string, string> FileKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        ["certs"] = "x509",
        ["cacerts"] = "x509ca",
        ["pubkeys"] = "pubkey",
        ["cacert"] = "x509ca",
    };

    static readonly string[] UnusedFolders = ["x509aa", "x509ac"];

    readonly SettingsSection _root;
    readonly Complaints _complaints;
    readonly string _directory;
    readonly List<LoadRequest> _requests = [];

    SwanctlConf(SettingsSection root, Complaints complaints) =>
        (_root, _complaints, _directory) = (root, complaints, System.IO.Path.GetDirectoryName(root.At.File) ?? "");

    /// <summary>In the order in which they are to be sent: a connection names pools, and pools nothing.</summary>
    public IReadOnlyList<LoadRequest> Requests => _requests;

    /// <summary>Reads the file and all that it includes. Null, with the reasons in <paramref name="complaints"/>, when something is wrong.</summary>
    public static SwanctlConf? Load(string path, Complaints complaints)
    {
        var root = SettingsFile.Load(path, complaints);
        return root is null ? null : From(root, complaints);
    }

    /// <summary>As <see cref="Load"/>, from sections already read.</summary>
    public static SwanctlConf? From(SettingsSection root, Complaints complaints)
    {
        var conf = new SwanctlConf(root, complaints);
        conf.Read();
        return complaints.HasErrors ? null : conf;
    }

    /// <summary>Where a dotted key is written, or else the innermost section around it.</summary>
    public Origin Where(string key)
    {
        var section = _root;
        var names = key.Split('.');
        for (var i = 0; i < names.Length; i++)
        {
            if (i == names.Length - 1 && section.Value(names[i]) is { } value)
                return value.At;
            if (section.Section(names[i]) is not { } inner)
                break;
            section = inner;
        }
        return section.At;
    }

    void Read()
    {
        foreach (var value in _root.Values)
            _complaints.Error(value.At, value.Key, "a key outside of any section");
        foreach (var section in _root.Sections.Where(s => !KnownSections.Contains(s.Name)))
        {
            // Others may refer to a section of any name, so only what looks like a slip is one.
            if (Complaints.DidYouMean(section.Name, KnownSections) is { Length: > 0 } meant)
                _complaints.Error(section.At, section.Name, "unknown section" + meant);
        }
        var files = new CredentialFiles(_root, _directory, _complaints, _requests);
        files.ReadCertificates();
        foreach (var secret in Inside("secrets"))
            SwanctlSecret.Read(secret, _complaints, _requests, files);
        files.ReadKeys();
        files.ReadContainers();
        foreach (var authority in Inside("authorities"))
            _requests.Add(new LoadRequest("load-authority", authority.Path, new ViciMessage { { authority.Name, Tree(authority) } }));
        foreach (var pool in Inside("pools"))
            _requests.Add(new LoadRequest("load-pool", pool.Path, new ViciMessage { { pool.Name, Pool(pool) } }));
        foreach (var connection in Inside("connections"))
            _requests.Add(new LoadRequest("load-conn", connection.Path, new ViciMessage { { connection.Name, Tree(connection) } }));
        foreach (var folder in UnusedFolders.Select(f => System.IO.Path.Combine(_directory, f)).Where(Directory.Exists))
        {
            if (Directory.EnumerateFiles(folder).Any())
                _complaints.Warning(_root.At, "", $"the files in {folder} are not used: attribute certificates are not supported");
        }
    }

    IEnumerable<SettingsSection> Inside(string name)
    {
        foreach (var value in _root.Section(name)?.Values ?? [])
        {
            _complaints.Error(value.At, $"{name}.{value.Key}",
                $"a key where a section of a name of your choice should be: {name} {{ NAME {{ {value.Key} = ... }} }}");
        }
        foreach (var section in _root.Section(name)?.Sections ?? [])
        {
            if (ViciEncoding.IsName(section.Name))
                yield return section;
            else
                _complaints.Error(section.At, section.Path, $"a name has at most {ViciEncoding.MaxName} printable ASCII characters");
        }
    }

    static ViciMessage Pool(SettingsSection pool)
    {
        ViciMessage message = [];
        foreach (var value in pool.Values)
        {
            if (value.Key == "addrs")
                message.Add(value.Key, value.Text);
            else
                message.Add(value.Key, SettingsText.Words(value.Text, ','));
        }
        foreach (var inner in pool.Sections)
            message.Add(inner.Name, Pool(inner));
        return message;
    }

    /// <summary>A connection and all sections in it: values first, as swanctl has them.</summary>
    ViciMessage Tree(SettingsSection section)
    {
        ViciMessage message = [];
        foreach (var value in section.Values)
        {
            if (ListKeys.Contains(value.Key))
                message.Add(value.Key, SettingsText.Words(value.Text, ','));
            else if (FileKeys.TryGetValue(value.Key, out var folder))
                message.Add(Files(value, folder, section));
            else
                message.Add(value.Key, value.Text);
        }
        foreach (var inner in section.Sections)
            message.Add(inner.Name, Tree(inner));
        return message;
    }

    ViciElement.List Files(SettingsValue value, string folder, SettingsSection section) =>
        new(value.Key, [.. SettingsText.Words(value.Text, ',').Select(name => Contents(name, folder, value, section)).OfType<ReadOnlyMemory<byte>>()]);

    ReadOnlyMemory<byte>? Contents(string name, string folder, SettingsValue value, SettingsSection section)
    {
        if (SwanctlSecret.IsEncoded(name))
            return SwanctlSecret.Decode(name, value.At, section.PathOf(value.Key), _complaints);
        var path = System.IO.Path.Combine(_directory, folder, name);
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _complaints.Error(value.At, section.PathOf(value.Key), $"cannot read {path}: {e.Message}");
            return null;
        }
    }
}

/// <summary>The sections below <c>secrets</c>: the beginning of the name is the type, keys that begin with <c>id</c> are its owners.</summary>
static class SwanctlSecret
{
    static readonly string[] Shared = ["eap", "xauth", "ntlm", "ike", "ppk"];
    static readonly string[] OfKeys = ["private", "rsa", "ecdsa", "pkcs8", "pkcs12", "token"];

    public static void Read(SettingsSection section, Complaints complaints, List<LoadRequest> requests, CredentialFiles files)
    {
        if (Array.Find(OfKeys, t => section.Name.StartsWith(t, StringComparison.Ordinal)) is { } keyType)
        {
            files.AddPassphrase(section, keyType);
            return;
        }
        if (Array.Find(Shared, t => section.Name.StartsWith(t, StringComparison.Ordinal)) is not { } type)
        {
            complaints.Error(section.At, section.Path, $"the name of a secret begins with its type: {string.Join(", ", Shared)}");
            return;
        }
        foreach (var value in section.Values.Where(v => v.Key != "secret" && !v.Key.StartsWith("id", StringComparison.Ordinal)))
            complaints.Error(value.At, section.PathOf(value.Key), "unknown key: a secret has \"secret\" and keys that begin with \"id\"");
        foreach (var inner in section.Sections)
            complaints.Error(inner.At, inner.Path, "a secret has no sections");
        if (section.Value("secret") is not { } secret)
        {
            complaints.Error(section.At, section.Path, "has no \"secret\"");
            return;
        }
        if (Decode(secret.Text, secret.At, section.PathOf("secret"), complaints) is not { } data)
            return;
        requests.Add(new LoadRequest("load-shared", section.Path, new ViciMessage
        {
            { "id", section.Name },
            { "type", type },
            { "data", data },
            { "owners", section.Values.Where(v => v.Key.StartsWith("id", StringComparison.Ordinal)).Select(v => v.Text) },
        }));
    }

    public static bool IsEncoded(string text) => text is ['0', 'x' or 'X' or 's' or 'S', ..];

    /// <summary>0x... is hexadecimal, 0s... base64, anything else the text itself. The complaint does not quote the secret.</summary>
    public static ReadOnlyMemory<byte>? Decode(string text, Origin at, string key, Complaints complaints)
    {
        if (!IsEncoded(text))
            return Encoding.UTF8.GetBytes(text);
        var isHex = text[1] is 'x' or 'X';
        var digits = text[2..];
        if (isHex && digits.Length % 2 == 1)
            digits = "0" + digits;
        try
        {
            return isHex ? Convert.FromHexString(digits) : Convert.FromBase64String(digits);
        }
        catch (FormatException)
        {
            complaints.Error(at, key, isHex ? "what follows 0x is not hexadecimal" : "what follows 0s is not base64 (a multiple of four characters)");
            return null;
        }
    }
}
