using System.Text;
using Kuguru.Daemon.Vici;
using Kuguru.Pki;

namespace Kuguru.Daemon.Settings;

/// <summary>The folders beside swanctl.conf as the requests that swanctl makes of their files: load-cert and load-key, keys without their passphrases.</summary>
sealed class CredentialFiles(SettingsSection root, string directory, Complaints complaints, List<LoadRequest> requests)
{
    static readonly (string Folder, string Type, string Flag)[] CertificateFolders = [("x509", "X509", "NONE"), ("x509ca", "X509", "CA")];

    /// <summary>Folder, the type in load-key, and the type of secrets that have passphrases for it.</summary>
    static readonly (string Folder, string Type, string Secret)[] KeyFolders =
        [("private", "any", "private"), ("rsa", "rsa", "rsa"), ("ecdsa", "ecdsa", "ecdsa"), ("pkcs8", "any", "pkcs8")];

    readonly List<(string Type, string File, string Text, Origin At)> _passphrases = [];

    public void ReadCertificates()
    {
        foreach (var (folder, type, flag) in CertificateFolders)
        {
            foreach (var (path, bytes) in Files(folder))
            {
                requests.Add(new LoadRequest("load-cert", path, new ViciMessage { { "type", type }, { "flag", flag }, { "data", bytes } }));
            }
        }
    }

    /// <summary>A secret that opens a file of one of the key folders: <c>file</c> and <c>secret</c>.</summary>
    public void AddPassphrase(SettingsSection section, string type)
    {
        if (type is not ("private" or "rsa" or "ecdsa" or "pkcs8"))
        {
            complaints.Error(section.At, section.Path, $"a secret of the type {type} is not supported yet");
            return;
        }
        foreach (var value in section.Values.Where(value => value.Key is not ("file" or "secret")))
            complaints.Error(value.At, section.PathOf(value.Key), "unknown key: the passphrase of a private key has \"file\" and \"secret\"");
        if (section.Value("file") is not { } file || section.Value("secret") is not { } secret)
        {
            complaints.Error(section.At, section.Path, "the passphrase of a private key has \"file\" and \"secret\"");
            return;
        }
        if (SwanctlSecret.Decode(secret.Text, secret.At, section.PathOf("secret"), complaints) is { } text)
            _passphrases.Add((type, file.Text, Encoding.UTF8.GetString(text.Span), section.At));
    }

    public void ReadKeys()
    {
        foreach (var (folder, type, secret) in KeyFolders)
        {
            foreach (var (path, bytes) in Files(folder))
            {
                if (Open(path, bytes, secret) is { } key)
                    requests.Add(new LoadRequest("load-key", path, new ViciMessage { { "type", type }, { "data", key } }));
            }
        }
    }

    byte[]? Open(string path, byte[] bytes, string secret)
    {
        if (!KeyFile.IsEncrypted(bytes))
            return bytes;
        // A private key may lie in a folder of another type than its secret says: strongSwan matches both, and so do we.
        var name = System.IO.Path.GetFileName(path);
        var fitting = _passphrases.Where(passphrase => passphrase.Type == secret && (passphrase.File == name || passphrase.File == path)).ToList();
        foreach (var passphrase in fitting)
        {
            if (KeyFile.Decrypt(bytes, passphrase.Text) is { } key)
                return key;
        }
        if (fitting.Count == 0)
            complaints.Warning(root.At, "", $"{path} has a passphrase, and no secret for it is given: secrets {{ {secret}-NAME {{ file = {name}, secret = ... }} }}; the key is not loaded");
        else
            complaints.Error(fitting[0].At, "", $"the secret does not open {path}");
        return null;
    }

    IEnumerable<(string Path, byte[] Bytes)> Files(string folder)
    {
        var path = System.IO.Path.Combine(directory, folder);
        if (!Directory.Exists(path))
            yield break;
        foreach (var file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal))
        {
            if (Read(file) is { } bytes)
                yield return (file, bytes);
        }
    }

    byte[]? Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length is var length and > KeyFile.MaxLength)
                complaints.Error(root.At, "", $"{file} has {length} octets, of which at most {KeyFile.MaxLength} are read");
            else
                return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            complaints.Error(root.At, "", $"cannot read {file}: {e.Message}");
        }
        return null;
    }
}
