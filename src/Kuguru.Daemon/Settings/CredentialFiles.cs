using System.Text;
using Kuguru.Daemon.Vici;
using Kuguru.Pki;

namespace Kuguru.Daemon.Settings;

/// <summary>The folders beside swanctl.conf as the requests that swanctl makes of their files: load-cert and load-key, keys without their passphrases.</summary>
sealed class CredentialFiles(SettingsSection root, string directory, Complaints complaints, List<LoadRequest> requests)
{
    /// <summary>The folder of CRLs.</summary>
    public const string Crls = "x509crl";

    static readonly (string Folder, string Type, string Flag)[] CertificateFolders =
    [
        ("x509", "X509", "NONE"), ("x509ca", "X509", "CA"), ("x509ocsp", "X509", "OCSP"), (Crls, "X509_CRL", "NONE"), ("pubkey", "PUBKEY", "NONE"),
    ];

    /// <summary>Folder, the type in load-key, and the type of secrets that have passphrases for it.</summary>
    static readonly (string Folder, string Type, string Secret)[] KeyFolders =
        [("private", "any", "private"), ("rsa", "rsa", "rsa"), ("ecdsa", "ecdsa", "ecdsa"), ("pkcs8", "any", "pkcs8")];

    readonly List<(string Type, string File, string Text, Origin At)> _passphrases = [];

    public void ReadCertificates()
    {
        foreach (var (folder, type, flag) in CertificateFolders)
        {
            foreach (var (path, bytes) in Files(folder, folder == Crls ? RevocationList.MaxLength : KeyFile.MaxLength))
            {
                requests.Add(new LoadRequest("load-cert", path, new ViciMessage { { "type", type }, { "flag", flag }, { "data", bytes } }));
            }
        }
    }

    /// <summary>A secret that opens a file of one of the key folders: <c>file</c> and <c>secret</c>.</summary>
    public void AddPassphrase(SettingsSection section, string type)
    {
        if (type == "token")
        {
            complaints.Error(section.At, section.Path, "keys on tokens are not supported: load them from files");
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

    /// <summary>Keys and certificates of PKCS#12 containers; an authority is what basicConstraints say is one.</summary>
    public void ReadContainers()
    {
        foreach (var (path, bytes) in Files("pkcs12"))
        {
            var fitting = Passphrases(path, "pkcs12");
            if (fitting.Count == 0)
                WarnOfMissing(path, "pkcs12", "nothing of it is loaded");
            else if (fitting.Select(passphrase => Container.Open(bytes, passphrase.Text)).FirstOrDefault(opened => opened is not null) is not { } container)
                complaints.Error(fitting[0].At, "", $"the secret does not open {path}");
            else
            {
                foreach (var certificate in container.Certificates)
                {
                    var isAuthority = Certificate.TryRead(certificate, out var read, out _) && read.IsAuthority;
                    requests.Add(new LoadRequest("load-cert", path, new ViciMessage { { "type", "X509" }, { "flag", isAuthority ? "CA" : "NONE" }, { "data", certificate } }));
                }
                foreach (var key in container.Keys)
                    requests.Add(new LoadRequest("load-key", path, new ViciMessage { { "type", "any" }, { "data", key } }));
            }
        }
    }

    byte[]? Open(string path, byte[] bytes, string secret)
    {
        if (!KeyFile.IsEncrypted(bytes))
            return bytes;
        var fitting = Passphrases(path, secret);
        foreach (var passphrase in fitting)
        {
            if (KeyFile.Decrypt(bytes, passphrase.Text) is { } key)
                return key;
        }
        if (fitting.Count == 0)
            WarnOfMissing(path, secret, "the key is not loaded");
        else
            complaints.Error(fitting[0].At, "", $"the secret does not open {path}");
        return null;
    }

    List<(string Type, string File, string Text, Origin At)> Passphrases(string path, string type) =>
        [.. _passphrases.Where(passphrase => passphrase.Type == type && (passphrase.File == System.IO.Path.GetFileName(path) || passphrase.File == path))];

    void WarnOfMissing(string path, string secret, string consequence) => complaints.Warning(root.At, "",
        $"{path} has a passphrase, and no secret for it is given: secrets {{ {secret}-NAME {{ file = {System.IO.Path.GetFileName(path)}, secret = ... }} }}; {consequence}");

    IEnumerable<(string Path, byte[] Bytes)> Files(string folder, int maxLength = KeyFile.MaxLength)
    {
        var path = System.IO.Path.Combine(directory, folder);
        if (!Directory.Exists(path))
            yield break;
        foreach (var file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal))
        {
            if (Read(file, maxLength) is { } bytes)
                yield return (file, bytes);
        }
    }

    byte[]? Read(string file, int maxLength)
    {
        try
        {
            if (new FileInfo(file).Length is var length && length > maxLength)
                complaints.Error(root.At, "", $"{file} has {length} octets, of which at most {maxLength} are read");
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
